"""Split a checkpoint's keys into blocks, in order, and the linear layer: how networks are named.

Official (`stage2.1.`), RepVGGplus (`stage3_first.blocks.4.`), timm (`stages.2.5.`, `stem.`), mmpretrain
(`stage_1.0.`), DiracNet (`group0.block1.`), each behind any prefix; all else is a plain chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repvgg_hw.checkpoint.blocks import Group, RawBlock, find_blocks
from repvgg_hw.checkpoint.decisions import Decisions, names
from repvgg_hw.checkpoint.order import in_order, torch_like
from repvgg_hw.checkpoint.shapes import read_shapes
from repvgg_hw.checkpoint.tree import module_tree, pattern
from repvgg_hw.checkpoint.wrappers import AUXILIARY, drop_passengers
from repvgg_hw.errors import InputError

_STAGED = (
    ("official", re.compile(r"(.*\.)?((?P<stem>stage0)|(?P<stage>stage\d+)\.(?P<block>\d+))(\.|$)")),
    ("RepVGGplus", re.compile(r"(.*\.)?(?P<stage>stage\d+)(_first|_second)?\.blocks\.(?P<block>\d+)(\.|$)")),
    ("timm", re.compile(r"(.*\.)?stages\.(?P<stage>\d+)\.(?P<block>\d+)(\.|$)")),
    ("mmpretrain", re.compile(r"(.*\.)?(?P<stage>stage_\d+)\.(?P<block>\d+)(\.|$)")),
    ("DiracNet", re.compile(r"(.*\.)?(?P<stage>group\d+)\.(?P<block>block\d+)(\.|$)")),
    ("", re.compile(r"(.*\.)?(?P<stem>stem)(\.|$)")),
)


@dataclass(frozen=True)
class NamedBlock:
    """One block's keys, without prefix, and where they stood."""

    prefix: str
    stage: str | None  # as a known naming has it; None in a plain chain
    state: dict[str, np.ndarray]
    group: str | None = None  # in a plain chain: the numbered module, of several alike, that it stands in


@dataclass(frozen=True)
class NamedLinear:
    """The linear layer, and where it stood."""

    key: str
    weight: np.ndarray  # (classes, C)
    bias: np.ndarray  # (classes,)


@dataclass(frozen=True)
class NamedNetwork:
    """A checkpoint sorted into blocks, in order, and the linear layer.

    linear    None where the last block's map is the output
    unused    keys of auxiliary heads and the like
    left_out  linear layers that the file has and the network read has not, with their shapes; what stands in
              one module with them is among the unused keys
    """

    naming: str
    blocks: tuple[NamedBlock, ...]
    linear: NamedLinear | None
    unused: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def staged(self) -> bool:
        """Is the naming one whose stages are known?"""
        return self.naming != "chain"


def read_names(
    state: Mapping[str, np.ndarray],
    decisions: Decisions | None = None,
    *,
    ordered: bool = True,
    head: str = "linear",
) -> NamedNetwork:
    """Sort a state dict's keys into blocks, in the network's order.

    ordered  the keys stand in the order in which they were saved
    head     "linear": one linear layer is needed; "none": linear layers are left out, if there are any
    Without decisions, the first reading is taken wherever there are two.
    Raises InputError if there are no blocks, not exactly one linear layer, keys that belong to nobody, or
    names that leave room for two networks.
    """
    decisions = decisions or Decisions(verified=True)
    kept, unused = drop_passengers(state)
    unused += [key for key in kept if AUXILIARY.search(key)]
    used = {key: value for key, value in kept.items() if not AUXILIARY.search(key)}
    linear, left_out = None, dict[str, str]()
    if head == "none":
        left_out = {path: f"{path} {used[f'{path}.weight'].shape}" for path in linear_layers(used)}
        dropped = {f"{path}.{name}" for path in left_out for name in ("weight", "bias")} & used.keys()
        dropped |= _beside(left_out, used)
        used = {key: value for key, value in used.items() if key not in dropped}
        unused += dropped
    else:
        linear = _linear(used, decisions)
    torch_order = ordered and torch_like(list(used))
    key = linear.key if linear else None
    root = find_blocks(module_tree(used), key, decisions, torch_order=torch_order)
    if not root.parts:
        raise InputError(f"no convolution in the checkpoint; its keys are {names(sorted(state))}")
    shapes = read_shapes(root.blocks())

    def fits(blocks: Sequence[RawBlock]) -> bool:
        return shapes.chain(blocks, linear.weight.shape[1] if linear else None)

    _require_behind([block.path for block in root.blocks()], left_out)
    raw = in_order(root, torch_order=torch_order, fits=fits, decisions=decisions)
    naming, stages = _stages(raw)
    groups = dict(_numbered_groups(root))
    blocks = tuple(
        NamedBlock(block.path, stage, block.state, groups.get(block.path))
        for block, stage in zip(raw, stages, strict=True)
    )
    return NamedNetwork(naming, blocks, linear, tuple(sorted(unused)), tuple(left_out.values()))


def linear_layers(state: Mapping[str, np.ndarray]) -> list[str]:
    """The paths of all linear layers: two-dimensional weights."""
    return [key[: -len(".weight")] for key, v in state.items() if key.endswith(".weight") and v.ndim == 2]


def _beside(linears: Iterable[str], state: Mapping[str, np.ndarray]) -> set[str]:
    """Keys of modules that hold a linear layer and no convolution: a head's, such as the BN of its neck."""
    keys: set[str] = set()
    for holder in {path.rpartition(".")[0] for path in linears} - {""}:
        inside = {key for key in state if key.startswith(f"{holder}.")}
        if all(state[key].ndim < 4 for key in inside):
            keys |= inside
    return keys


def _require_behind(blocks: Sequence[str], linears: Iterable[str]) -> None:
    """Raise InputError for a linear layer that stands among the blocks (their paths), not behind them all."""
    split = [path.split(".") for path in blocks]
    depth = 0
    while all(len(parts) > depth + 1 for parts in split) and len({parts[depth] for parts in split}) == 1:
        depth += 1
    holders = {".".join(parts[: depth + 1]) for parts in split}
    for path in linears:
        holder = ".".join(path.split(".")[: depth + 1])
        if holder in holders:
            raise InputError(
                f"the linear layer {path} stands in {holder}, beside convolutions: it is no classifier that "
                "--head none could leave out, so the network cannot be read"
            )


def _linear(state: Mapping[str, np.ndarray], decisions: Decisions) -> NamedLinear:
    """The one linear layer: the only two-dimensional weight."""
    linears = linear_layers(state)
    if not linears:
        raise InputError(
            "there is no linear layer (linear.weight, head.fc.weight): --head none reads a backbone, whose "
            f"output is the last block's map; the keys are {names(sorted(state))}"
        )
    if len(linears) > 1:
        raise InputError(
            f"exactly one linear layer is needed; there is {names(linears)} (--head none leaves them out: "
            "the output is the last block's map)"
        )
    weight, bias = state[f"{linears[0]}.weight"], state.get(f"{linears[0]}.bias")
    if bias is None:
        decisions.need(
            "linear-bias",
            f"{linears[0]}.bias is not there: either the linear layer has no bias, or the key is missing",
            first="none",
            subject="bias of the linear layer",
        )
        bias = np.zeros(weight.shape[0], weight.dtype)
    if bias.shape != weight.shape[:1]:
        raise InputError(f"{linears[0]}: bias {bias.shape} does not fit weight {weight.shape}")
    return NamedLinear(linears[0], weight, bias)


def _stages(blocks: Sequence[RawBlock]) -> tuple[str, list[str | None]]:
    """(the naming, each block's stage), None in a plain chain."""
    naming, stages = "chain", list[str | None]()
    for block in blocks:
        stage = None
        for name, known in _STAGED:
            if match := known.match(block.path):
                groups = match.groupdict()
                begin = match.start("stem") if groups.get("stem") else match.start("stage")
                stage = block.path[:begin] + (groups.get("stem") or groups["stage"])
                naming = name if name and naming in ("chain", "official") else naming
                break
        stages.append(stage)
    if naming == "chain":
        return naming, [None] * len(blocks)
    roots = {re.sub(r"(stem|stage_?\d+|stages\.\d+|group\d+)$", "", stage) for stage in stages if stage}
    if len(roots) > 1:
        places = names(root or "the top level" for root in sorted(roots))
        raise InputError(f"stages stand in several places, perhaps of several networks: {places}")
    return naming, stages


def _numbered_groups(parent: Group, whole: int | None = None) -> Iterator[tuple[str, str]]:
    """(block, module) for the outermost modules with a number that look like stages.

    Stages have a name with a number (layer1, layer2), and other blocks beside them. Bare numbers are those of
    stages where several modules hold several blocks.
    """
    whole = whole or sum(1 for _ in parent.blocks())
    kinds: dict[str, list[Group]] = {}
    for part in parent.parts:
        if isinstance(part.content, Group):
            kind, numbers = pattern(part.name)
            kinds.setdefault(kind if numbers else "", []).append(part.content)
    for kind, groups in kinds.items():
        sizes = [sum(1 for _ in group.blocks()) for group in groups]
        stages = max(sizes) < whole and (max(sizes) > 1 if kind == "#" else bool(kind))
        for group in groups:
            if stages:
                yield from ((block.path, group.path) for block in group.blocks())
            else:
                yield from _numbered_groups(group, whole)


def missing_stem(named: NamedNetwork) -> str | None:
    """What shows that the first block may not be the network's first, or None."""
    first = named.blocks[0]
    if named.staged:
        if first.stage is None or re.search(r"(stem|stage_?0|group0|stages\.0)$", first.stage):
            return None if "stages" not in (first.stage or "") else "stem"
        return "stage0 or stem"
    numbers = [n for part in first.prefix.split(".") for n in pattern(part)[1]]
    return "a block before it" if any(numbers) else None
