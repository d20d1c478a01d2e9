"""Import a live torch module: strides and eps are read from it, and the proof runs the module itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from repvgg_hw.checkpoint.decisions import Decisions
from repvgg_hw.checkpoint.expect import Expectation, compare
from repvgg_hw.checkpoint.files import Checkpoint
from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.importer import import_state
from repvgg_hw.checkpoint.module_run import Run, given_input, random_input, run_module
from repvgg_hw.checkpoint.naming import read_names
from repvgg_hw.checkpoint.wrappers import strip_prefixes
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.fuse.proof import LIMIT, proof_size

_log = logging.getLogger(__name__)
_ADVICE = (
    "another activation, pooling or order of layers than a chain of 3x3 + ReLU, pool and linear layer has?"
)


def from_torch(
    module: nn.Module, example_input: Tensor | None = None, *, size: tuple[int, int] | None = None
) -> Imported:
    """Import a trained network from a torch module, which stays as it is.

    Any network whose blocks fuse into 3x3 convolutions, with ReLU after each, global average pooling and one
    linear layer. Strides and eps, which may differ from BN to BN, are read from the module's own layers. On
    top of the usual proof, a copy of the module runs in float64 and eval mode, and its logits are compared
    with the fused network's: this sees what key names cannot, such as another activation or pooling.

    example_input  images (N, C, H, W) to run it on, normalised; without it one random image
    size           (H, W) of the random image, where the module takes no other
    Where it returns several tensors (a tuple, a dictionary), the one that is nearest to the fused network's
    logits is compared, and provenance["module"] names it.
    Raises InputError for a network that cannot be read, CheckFailed above 1e-6 relative.
    """
    if example_input is not None and size is not None:
        raise InputError("give either example_input or size: the input has a size of its own")
    eps, state = _with_one_eps(module)
    checkpoint = Checkpoint(strip_prefixes(state), source=type(module).__name__)
    known = _Known(eps, tuple(_strides(module, checkpoint)))
    imported = _first_reading(checkpoint, known)
    channels = imported.architecture.in_channels
    if example_input is None:
        side = proof_size([conv.stride for conv in imported.convs])
        x = random_input(channels, *(size or (side, side)))
    else:
        x = given_input(example_input, channels)
    run = run_module(module, x)
    try:
        return _compared(imported, run)
    except CheckFailed:
        if all(assumption.subject != "average-branch" for assumption in imported.assumptions):
            raise
        return _compared(_first_reading(checkpoint, known, {"average-branch": "yes"}), run)


@dataclass(frozen=True)
class _Known:
    """What the module says and its state dict does not."""

    eps: float | None
    strides: tuple[int, ...]


def _first_reading(
    checkpoint: Checkpoint, known: _Known, assume: Mapping[str, str] | None = None
) -> Imported:
    """The network by its keys; where a file would be refused, its first reading: the module will tell."""
    decisions = Decisions(assume, verified=True)
    return import_state(checkpoint, eps=known.eps, strides=known.strides, decisions=decisions)


def _compared(imported: Imported, run: Run) -> Imported:
    """imported, if the module gave the same logits, with the comparison in provenance["module"]."""
    logits = (len(run.x), imported.architecture.num_classes)
    fitting = {name: y for name, y in run.outputs.items() if y.shape == logits}
    if not fitting:
        found = ", ".join(f"{name or 'a tensor'} {y.shape}" for name, y in run.outputs.items()) or "no tensor"
        raise CheckFailed(f"{imported.source} returns {found}, not logits of shape {logits}")
    failures = []
    for name, y in fitting.items():
        source = f"{imported.source}'s output {name}" if name else f"{imported.source} itself"
        expectation = Expectation(run.x, y, source, LIMIT, advice=_ADVICE)
        try:
            record = compare(imported, expectation).to_json()
        except CheckFailed as error:
            failures.append(error)
            continue
        if len(run.outputs) > 1:
            _log.info("%s returns %s; its logits are %r", imported.source, ", ".join(run.outputs), name)
        return imported.recording(module=record | {"output": name})
    raise failures[0]


def _with_one_eps(module: nn.Module) -> tuple[float | None, dict[str, np.ndarray]]:
    """(eps, state dict) that mean the same where batch normalizations have different eps.

    A BN uses var + eps alone, so that what its eps is above the smallest is added to its variance.
    """
    state = {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}
    norms = {name: m.eps for name, m in module.named_modules() if isinstance(m, _BatchNorm)}
    smallest = min(norms.values(), default=None)
    for name, eps in norms.items():
        key = f"{name}.running_var" if name else "running_var"
        if smallest is not None and eps != smallest and key in state:
            state[key] = state[key].astype(np.float64) + (eps - smallest)
    return smallest, state


def _strides(module: nn.Module, checkpoint: Checkpoint) -> list[int]:
    """Per block the largest stride of its layers: the inner ones of a branch have 1."""
    stripped = next(iter(checkpoint.state))
    outside = next(key for key in module.state_dict() if key.endswith(stripped)).removesuffix(stripped)
    strides = []
    for block in read_names(checkpoint.state).blocks:
        prefix = f"{outside}{block.prefix}."
        inside = [m for name, m in module.named_modules() if f"{name}.".startswith(prefix)]
        strides.append(max((_stride(m) for m in inside), default=1))
    return strides


def _stride(module: nn.Module) -> int:
    """A layer's stride, 1 for layers without one."""
    stride = getattr(module, "stride", 1)
    height, width = stride if isinstance(stride, tuple) else (stride, stride)
    if height != width:
        raise InputError(f"a {type(module).__name__} has stride {stride}; height and width must agree")
    return int(height)
