"""Find the blocks in the tree of modules: which keys make one layer, which BN belongs to which convolution.

A batch normalization belongs to the convolution directly before it: the next number of a Sequential, or the
same name with bn in place of conv, in one module. A BN of which that cannot be said is refused: what stands
before it, a ReLU or the pooling, leaves no keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from repvgg_hw.checkpoint.decisions import Decisions, names
from repvgg_hw.checkpoint.gaps import Item, require_no_gap
from repvgg_hw.checkpoint.tree import Module
from repvgg_hw.errors import InputError

_NORM_WORD = re.compile(r"(batch_?norm|bn|norm)", re.IGNORECASE)
_ONE_KERNEL = {"W", "alpha"}  # DO-Conv's and DiracNet's own: convolutions that a BN may follow
_SIDE_BY_SIDE = re.compile(r"(branch(es)?|paths?|parallel)_?\d*", re.IGNORECASE)
_PAIR = ("conv1", "conv2")


@dataclass(frozen=True)
class RawBlock:
    """The keys of one layer, and where they stood."""

    path: str
    state: dict[str, np.ndarray]


@dataclass(frozen=True)
class Part:
    """One block, or one module that holds several, under its name in the module around it."""

    name: str
    content: RawBlock | Group


@dataclass(frozen=True)
class Group:
    """A module that holds blocks: parts in the file's order, which is not yet the network's."""

    path: str
    parts: tuple[Part, ...]

    def blocks(self) -> Iterator[RawBlock]:
        """Every block beneath, in the file's order."""
        for part in self.parts:
            if isinstance(part.content, RawBlock):
                yield part.content
            else:
                yield from part.content.blocks()


@dataclass
class _Entry:
    """A Part in the making: which numbers of a Sequential it takes, and what it is made of."""

    name: str
    content: RawBlock | Group
    bare: bool = False  # a torch convolution, without a module of its own around it
    takes_norm: bool = False
    last: str = ""  # its last module in a Sequential: its BN

    def with_norm(self, norm: Module) -> None:
        """Put a BN behind the convolution."""
        assert isinstance(self.content, RawBlock)
        state = {key if self.bare else f"conv.{key}": value for key, value in self.content.state.items()}
        if "0.weight" in self.content.state:  # ExpandNet reads its three convolutions by conv1
            state = {f"conv1.{key}": value for key, value in self.content.state.items()}
        state |= {f"bn.{key}": value for key, value in norm.arrays()}
        self.content, self.takes_norm, self.last = RawBlock(self.content.path, state), False, norm.name


@dataclass
class _Finder:
    """Walks the tree once, and keeps what belongs to no block."""

    root: Module
    linear: str | None
    decisions: Decisions
    torch_order: bool
    strays: list[str] = field(default_factory=list)  # batch normalizations of nobody
    foreign: list[str] = field(default_factory=list)


def find_blocks(root: Module, linear: str | None, decisions: Decisions, *, torch_order: bool) -> Group:
    """All blocks of a tree, nested as its modules are.

    linear       the path of the linear layer, which is left out; None where there is none
    torch_order  keys stand as torch lists modules, so that a BN before its convolution was defined before it
    Raises InputError for keys that belong to no block, and for gaps in numbers that hide a layer.
    """
    finder = _Finder(root, linear, decisions, torch_order)
    entry = _group(finder, root)
    if finder.foreign:
        raise InputError(f"keys that belong to no block: {names(finder.foreign)}")
    if finder.strays:
        raise InputError(finder.strays[0])
    if isinstance(entry.content, RawBlock):
        return Group("", (Part(entry.content.path, entry.content),))
    return entry.content


def _group(finder: _Finder, module: Module) -> _Entry:
    """A module as one block, or as the group of its parts."""
    if module.is_block:
        state = dict(module.arrays())
        one_kernel = any(key.rpartition(".")[2] in _ONE_KERNEL for key in state) and not _has_norm(state)
        return _Entry(module.name, RawBlock(module.path, state), takes_norm=one_kernel)
    if module.is_convolution:
        state = {f"conv.{key}": value for key, value in module.own.items()}
        block = RawBlock(module.path, state)
        return _Entry(module.name, block, bare=True, takes_norm=True)
    finder.foreign += [f"{module.path}.{key}".lstrip(".") for key in module.own]
    entries, norms, linear = [], {}, None
    for name, child in module.children.items():
        if child.path == finder.linear:
            linear = name
            finder.foreign += [f"{child.path}.{key}" for key in child.own if key not in ("weight", "bias")]
        elif child.is_norm:
            norms[name] = child
        else:
            entry = _group(finder, child)
            if isinstance(entry.content, RawBlock) or entry.content.parts:
                entries.append(entry)
            elif _leads_to(finder.linear, child):
                linear = name
    before = {n for n in norms if finder.torch_order and not n.isdigit() and not _behind(module, n, entries)}
    attachable = {name: norm for name, norm in norms.items() if name not in before}
    _attach(entries, attachable)
    norms = attachable | {name: norms[name] for name in before}
    single = (
        _expanded(module, entries, norms) or _paired(finder, module, entries, norms) or _one(module, entries)
    )
    for norm in norms.values():
        finder.strays.append(_stray(finder, module, norm))
    if single is not None:
        return single
    items = [Item(e.name, e.last or e.name, e.bare) for e in entries]
    require_no_gap(module.path, items, linear, list(norms), finder.decisions)
    if len(entries) > 1 and _SIDE_BY_SIDE.fullmatch(module.name):
        raise InputError(
            f"{module.path} holds {names(entry.name for entry in entries)}: by its name they are branches "
            "side by side, of no family that is known here"
        )
    parts = tuple(Part(entry.name, entry.content) for entry in entries)
    return _Entry(module.name, Group(module.path, parts))


def _leads_to(path: str | None, module: Module) -> bool:
    return path is not None and (path == module.path or path.startswith(f"{module.path}."))


def _has_norm(state: Mapping[str, np.ndarray]) -> bool:
    return any(key.endswith("running_mean") for key in state)


def _behind(module: Module, norm: str, entries: list[_Entry]) -> bool:
    """Is a BN listed behind the convolution whose name it has?"""
    places = list(module.children)
    named = _NORM_WORD.sub("conv", norm)
    return all(e.name != named or places.index(e.name) < places.index(norm) for e in entries)


def _attach(entries: list[_Entry], norms: dict[str, Module]) -> None:
    """Give each convolution the BN directly behind it, and take that out of norms."""
    takers = {entry.name: entry for entry in entries if entry.takes_norm}
    for name, norm in list(norms.items()):
        if name.isdigit():
            taker = takers.get(str(int(name) - 1))
        elif len(takers) == len(entries) == 1 and len(norms) == 1 and not re.search(r"\d", name):
            taker = next(iter(takers.values()))  # one convolution and one BN in one module
            taker = None if taker.name.isdigit() else taker
        else:
            taker = takers.get(_NORM_WORD.sub("conv", name)) if _NORM_WORD.search(name) else None
        if taker is not None and taker.takes_norm:
            taker.with_norm(norm)
            del norms[name]


def _one(module: Module, entries: list[_Entry]) -> _Entry | None:
    """A module around one convolution called conv, perhaps with its BN, is the block itself."""
    if len(entries) != 1 or entries[0].name != "conv":
        return None
    content = entries[0].content
    if isinstance(content, Group) or not (entries[0].bare or "bn.running_mean" in content.state):
        return None
    return _Entry(module.name, RawBlock(module.path, content.state))


def _expanded(module: Module, entries: list[_Entry], norms: dict[str, Module]) -> _Entry | None:
    """A 1x1, a 3x3 and a 1x1 convolution numbered 0, 1, 2, perhaps a BN, and no more: ExpandNet's block."""
    alone = set(module.children) - {"bn"} == {"0", "1", "2"}
    if not alone or not all(entry.bare and entry.takes_norm for entry in entries):
        return None
    if [_kernel(e).shape[2:] for e in sorted(entries, key=lambda e: e.name)] != [(1, 1), (3, 3), (1, 1)]:
        return None
    norms.clear()
    state = dict(module.arrays())
    return _Entry(module.name, RawBlock(module.path, state), takes_norm="bn" not in module.children)


def _paired(
    finder: _Finder, module: Module, entries: list[_Entry], norms: dict[str, Module]
) -> _Entry | None:
    """A 3x3 and a 1x1 convolution of one module that read the same channels: branches that are added?"""
    pair = _pair(entries)
    if pair is None or len(norms) > 1:
        return None
    wide, narrow = pair
    identity = next(iter(norms.values()), None)
    c_out, c_in = _kernel(wide).shape[:2]
    known = (wide.name, narrow.name) == _PAIR
    if identity is not None and (c_out != c_in or len(identity.own.get("running_mean", ())) != c_in):
        return None
    where = module.path or "the network"
    rule = f"{wide.name} (3x3) and {narrow.name} (1x1) of one module read the same channels"
    if not (known and (identity is not None or c_out != c_in or _pair_elsewhere(finder.root))):
        reading = finder.decisions.need(
            "pair",
            f"{where}: {rule}: either they are added, as branches of one block, or one follows the other",
            first="added",
            subject=f"{wide.name} and {narrow.name}",
        )
        if reading == "chained":
            return None
    finder.decisions.record("branches", f"{wide.name} + {narrow.name}", f"{rule}: they are added")
    state: dict[str, np.ndarray] = {}
    for name, entry in zip(_PAIR, (wide, narrow), strict=True):
        assert isinstance(entry.content, RawBlock)
        state |= {f"{name}.{key}": value for key, value in entry.content.state.items()}
    if identity is not None:
        state |= {f"bn.{key}": value for key, value in identity.arrays()}
        norms.clear()
    return _Entry(module.name, RawBlock(module.path, state))


def _pair(entries: list[_Entry]) -> tuple[_Entry, _Entry] | None:
    """(3x3, 1x1) if entries are just these two, of the same channels, and not numbers of a Sequential."""
    if len(entries) != 2 or any(entry.name.isdigit() for entry in entries):
        return None
    kernels = [_kernel(entry) for entry in entries]
    sizes = [kernel.shape[2:] for kernel in kernels]
    if sorted(sizes) != [(1, 1), (3, 3)] or kernels[0].shape[:2] != kernels[1].shape[:2]:
        return None
    wide, narrow = entries if sizes[0] == (3, 3) else entries[::-1]
    return wide, narrow


def _kernel(entry: _Entry) -> np.ndarray:
    """The weight of a plain convolution, or an array without axes."""
    if isinstance(entry.content, Group):
        return np.zeros(())
    weight = entry.content.state.get("conv.weight", np.zeros(()))
    return weight if weight.ndim == 4 else np.zeros(())


def _pair_elsewhere(module: Module) -> bool:
    """Does any module hold conv1 and conv2 that only fit side by side, because the width changes?"""
    weights = []
    for name in _PAIR:
        child = module.children.get(name, Module(""))
        own = child.own if child.is_convolution else child.children.get("conv", Module("")).own
        weights.append(own.get("weight", np.zeros(())))
    three, one = weights
    if three.ndim == one.ndim == 4 and three.shape[:2] == one.shape[:2] and three.shape[0] != three.shape[1]:
        return (three.shape[2:], one.shape[2:]) == ((3, 3), (1, 1))
    return any(_pair_elsewhere(child) for child in module.children.values())


def _stray(finder: _Finder, module: Module, norm: Module) -> str:
    """Why a BN belongs to nobody."""
    beside = finder.linear is not None and (
        _leads_to(finder.linear, module) or finder.linear.rpartition(".")[0] == module.path
    )
    if beside and norm.own.get("running_mean", np.zeros(())).shape:
        where = f"in front of the linear layer {finder.linear} or behind something that leaves no keys"
    else:
        where = "and what stands before it leaves no keys: a ReLU, for instance"
    return (
        f"batch normalization {norm.path} is not directly behind a convolution ({where}); "
        "it belongs to no block, so the network cannot be read"
    )
