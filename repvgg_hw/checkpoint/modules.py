"""Import a live torch module: strides and eps are read from it, and the proof runs the module itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from repvgg_hw.checkpoint.decisions import CHOICES, Decisions
from repvgg_hw.checkpoint.expect import Expectation, compare_and_warn
from repvgg_hw.checkpoint.files import Checkpoint
from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.importer import import_state
from repvgg_hw.checkpoint.module_facts import Blocks, State, executed, input_channels, state_with_one_eps
from repvgg_hw.checkpoint.module_run import ModuleRun, given_input, random_input, run_module
from repvgg_hw.checkpoint.naming import linear_layers, read_names
from repvgg_hw.checkpoint.run import output_shape
from repvgg_hw.checkpoint.wrappers import strip_prefixes
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.fuse.proof import LIMIT, proof_size

_log = logging.getLogger(__name__)
_MAX_TRIES = 8  # numbers of channels that a first run is tried with
_SIDE = 33  # of a first image; larger where maps would end without inner pixels
_EITHER_OR = ("average-branch", "pair")  # decisions of which the module's own run finds the right one
_ADVICE = (
    "another activation, pooling or order of layers than a chain of 3x3 + ReLU, pool and linear layer has?"
)


def from_torch(
    module: nn.Module,
    example_input: Tensor | None = None,
    *,
    size: tuple[int, int] | None = None,
    head: str | None = None,
) -> Imported:
    """Import a trained network from a torch module, which stays as it is.

    Any network whose blocks fuse into 3x3 convolutions, with ReLU after each, then global average pooling and
    one linear layer, or nothing. Strides and eps, which may differ from BN to BN, are read from the module's
    own layers. On top of the usual proof, a copy of the module runs in float64 and eval mode, and its output
    is compared with the fused network's: this sees what key names cannot, such as another activation or
    pooling.

    example_input  images (N, C, H, W) to run it on, normalised; without it one random image
    size           (H, W) of the random image, where the module takes no other
    head           "none": the module returns the last block's map; so it is where it has no linear layer
    Where it returns several tensors (a tuple, a dictionary), the one that is nearest to the fused network's
    output is compared, and provenance["module"] names it.
    Raises InputError for a network that cannot be read, CheckFailed above 1e-6 relative.
    """
    if example_input is not None and size is not None:
        raise InputError("give either example_input or size: the input has a size of its own")
    eps, state = state_with_one_eps(module)
    first = _first_run(module, example_input, size)
    failures: list[Exception] = []
    for used in _distinct(executed(module, state, first.called), state):
        for imported in _readings(module, used, first.called, eps, head, failures):
            side = proof_size([conv.stride for conv in imported.convs])
            if example_input is None and size is None and side > _SIDE:
                first = run_module(module, random_input(imported.architecture.in_channels, side, side))
            try:
                return _compared(imported, first)
            except CheckFailed as error:
                failures.append(error)
    raise failures[0]


def _first_run(module: nn.Module, example: Tensor | None, size: tuple[int, int] | None) -> ModuleRun:
    """The module on the user's input, or on a random one of as many channels as it takes: for its order."""
    if example is not None:
        return run_module(module, given_input(example))
    failures = []
    for channels in input_channels(module)[:_MAX_TRIES]:
        try:
            return run_module(module, random_input(channels, *(size or (_SIDE, _SIDE))))
        except InputError as error:
            failures.append(error)
    raise InputError(f"{failures[0]}; give an example_input that it takes") from failures[0]


def _distinct(first: State, second: State) -> list[State]:
    return [first] if first.keys() == second.keys() else [first, second]


def _readings(
    module: nn.Module,
    state: State,
    called: Sequence[str],
    eps: float | None,
    head: str | None,
    failures: list[Exception],
) -> Iterator[Imported]:
    """The network as the module's layers and calls say it is; then what keys leave open the other way."""
    try:
        imported, tried = _read(module, state, called, eps, head, {})
        yield imported
        for name, value in tried.items():
            for other in CHOICES[name].values.split("|") if name in _EITHER_OR else ():
                if other != value:
                    yield _read(module, state, called, eps, head, {name: other})[0]
    except (InputError, CheckFailed) as error:
        failures.append(error)


def _read(
    module: nn.Module,
    state: State,
    called: Sequence[str],
    eps: float | None,
    head: str | None,
    assume: dict[str, str],
) -> tuple[Imported, dict[str, str]]:
    """The network, and the decisions that neither its keys nor its layers force."""
    stripped = strip_prefixes(state)
    head = head or ("linear" if linear_layers(stripped) else "none")
    key = next(iter(stripped))
    blocks = Blocks(module, next(k for k in state if k.endswith(key)).removesuffix(key), called)
    named = list(read_names(stripped, Decisions(assume, verified=True), head=head).blocks)
    ordered = blocks.in_order(named)
    if ordered != named:
        assume = assume | {"order": ",".join(block.prefix for block in ordered)}
    groups = [number for block in ordered if (number := blocks.groups(block)) is not None]
    decisions = Decisions(assume, verified=True)
    imported = import_state(
        Checkpoint(stripped, source=type(module).__name__),
        eps=eps,
        strides=[blocks.stride(block) for block in ordered],
        groups=groups if len(groups) == len(ordered) else None,
        decisions=decisions,
        head=head,
    )
    return imported, decisions.tried


def _compared(imported: Imported, run: ModuleRun) -> Imported:
    """imported, if the module gave the same output, with the comparison in provenance["module"]."""
    wanted = output_shape(imported, run.x.shape)
    fitting = {name: y for name, y in run.outputs.items() if y.shape == wanted}
    if not fitting:
        shapes = [f"{name or 'a tensor'} {y.shape}" for name, y in run.outputs.items()]
        what = "the last map" if imported.linear is None else "logits"
        raise CheckFailed(
            f"{imported.source} returns {', '.join(shapes) or 'no tensor'}, not {what} of shape {wanted}"
        )
    failures = []
    for name, y in fitting.items():
        source = f"{imported.source}'s output {name}" if name else f"{imported.source} itself"
        expectation = Expectation(run.x, y, source, LIMIT, advice=_ADVICE)
        try:
            record = compare_and_warn(imported, expectation).to_json()
        except CheckFailed as error:
            failures.append(error)
            continue
        if len(run.outputs) > 1:
            _log.info("%s returns %s; compared is %r", imported.source, ", ".join(run.outputs), name)
        return imported.recording(module=record | {"output": name})
    raise failures[0]
