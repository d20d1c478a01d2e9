"""In which order blocks follow one another, where their names do not carry the numbers of one sequence.

A pickle keeps the order in which torch listed the modules, which is the order of their definition; a
safetensors file sorts its names. So: numbers, where all names of a module are one sequence; else the file's
order, if it looks like torch's own; else the only order in which the widths fit; else refused.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repvgg_hw.checkpoint.blocks import Group, Part, RawBlock
from repvgg_hw.checkpoint.decisions import Decisions, names, refusal
from repvgg_hw.checkpoint.tree import pattern
from repvgg_hw.errors import InputError

_MAX_ORDERS = 5040  # that are tried for the widths
_OPTION = "--assume order=A,B,... (names of blocks or of modules, from the input on)"
_LEAF_ORDER = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
Fits = Callable[[Sequence[RawBlock]], bool]


@dataclass(frozen=True)
class _Run:
    """Parts of one sequence, in its order, or a part on its own."""

    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        first, last = self.parts[0].name, self.parts[-1].name
        return first if first == last else f"{first} to {last}"


def torch_like(keys: Sequence[str]) -> bool:
    """Is this the order in which torch lists a state dict, not sorted and not shuffled?

    Every module's keys stand together, its own before its children's, weight before bias, a BN's statistics
    behind.
    """
    if list(keys) == sorted(keys):
        return False
    closed: set[str] = set()
    opened: list[str] = []
    for key in keys:
        *parents, leaf = key.split(".")
        path = [".".join(parents[: depth + 1]) for depth in range(len(parents))]
        while opened and opened != path[: len(opened)]:
            closed.add(opened.pop())
        if closed & set(path):
            return False
        opened = path
    by_module: dict[str, list[str]] = {}
    for key in keys:
        module, _, leaf = key.rpartition(".")
        by_module.setdefault(module, []).append(leaf)
    for leaves in by_module.values():
        known = [_LEAF_ORDER.index(leaf) for leaf in leaves if leaf in _LEAF_ORDER]
        if known != sorted(known):
            return False
    return True


def in_order(root: Group, *, torch_order: bool, fits: Fits, decisions: Decisions) -> list[RawBlock]:
    """All blocks of a network, from its input on.

    torch_order  the file has its keys as torch lists modules
    fits         whether the widths of blocks in an order make a chain, without groups that must be guessed
    Raises InputError, naming two orders and the option, where none is more than a guess.
    """
    unclear = [group for group in _groups(root) if len(_runs(group)) > 1]
    against = _contradiction(root, fits) if torch_order and not decisions.verified else None
    listed = decisions.listed("order")
    if listed is not None:
        rule = "as the module calls them" if decisions.verified else f"--assume order={listed}"
        decisions.record("order", listed, rule)
        return _as_listed(root, listed)
    if not unclear and against is None:
        return list(_flatten(root, {}))
    given = decisions.given("order")
    if against is not None and given is None:
        raise refusal(f"the order of the blocks is not clear: {against}", _OPTION)
    as_in_file = {group.path: _in_file(group) for group in _groups(root)}
    where = "; ".join(
        f"{group.path or 'the network'} holds {names(run.name for run in _runs(group))}"
        for group in unclear[:2]
    )
    if given is not None or torch_order or decisions.verified:
        rule = "--assume order=file" if given else f"as torch wrote them; names are not one sequence: {where}"
        decisions.record("order", "the file's", rule)
        return list(_flatten(root, as_in_file))
    fitting = _fitting(root, unclear, fits)
    if len(fitting) == 1:
        decisions.record("order", _short(fitting[0]), f"the only one whose widths fit; {where}")
        return fitting[0]
    first, second = (fitting if len(fitting) > 1 else _two_orders(root, unclear))[:2]
    raise refusal(
        f"the order of the blocks is not clear: {where}, and the file does not keep its order. Plausible are "
        f"{_difference(first, second)}",
        _OPTION,
    )


def _groups(group: Group) -> Iterator[Group]:
    yield group
    for part in group.parts:
        if isinstance(part.content, Group):
            yield from _groups(part.content)


def _runs(group: Group) -> list[_Run]:
    """The parts of a group, those of one sequence together; a stem begins the sequence beside it."""
    sequences: dict[str, list[Part]] = {}
    for part in group.parts:
        kind, numbers = pattern(part.name)
        sequences.setdefault(kind if numbers else f"{part.name}!", []).append(part)
    runs = [_Run(tuple(sorted(parts, key=lambda p: pattern(p.name)[1]))) for parts in sequences.values()]
    if len(runs) == 2 and "stem!" in sequences:
        stem, rest = sorted(runs, key=lambda run: run.parts[0].name != "stem")
        return [_Run((*stem.parts, *rest.parts))]
    return runs


def _flatten(group: Group, orders: Mapping[str, Sequence[Part]]) -> Iterator[RawBlock]:
    """The blocks of a group; orders are those of the groups that are no sequence."""
    parts = orders.get(group.path) or [part for run in _runs(group) for part in run.parts]
    for part in parts:
        if isinstance(part.content, RawBlock):
            yield part.content
        else:
            yield from _flatten(part.content, orders)


def _in_file(group: Group) -> list[Part]:
    """The file's order, but numbers of a Sequential or ModuleList only count up."""
    digits = [part for part in group.parts if part.name.isdigit()]
    return _in_place(group, _Run(tuple(digits)), sorted(digits, key=lambda part: int(part.name)))


def _contradiction(root: Group, fits: Fits) -> str | None:
    """Names that count one way in a file that torch wrote another way, where widths cannot tell."""
    for group in _groups(root):
        for run in _runs(group):
            written = [part for part in group.parts if part in run.parts]
            if written == list(run.parts) or _is_known(run) or all(part.name.isdigit() for part in run.parts):
                continue
            orders = [{group.path: parts} for parts in (_in_place(group, run, run.parts), group.parts)]
            by_number, by_file = (fits(list(_flatten(root, order))) for order in orders)
            if by_file or not by_number:
                return (
                    f"by their numbers they are {names(p.name for p in run.parts)}, but the file, in which "
                    f"torch lists modules as they were defined, has {names(p.name for p in written)}"
                )
    return None


def _in_place(group: Group, run: _Run, parts: Sequence[Part]) -> list[Part]:
    """The parts of a group, those of a run at their places in the order of parts."""
    ordered = iter(parts)
    return [next(ordered) if part in run.parts else part for part in group.parts]


def _is_known(run: _Run) -> bool:
    """Stages of the published code bases, whose numbers are their order."""
    return all(pattern(p.name)[0] in ("stage#", "stage_#", "group#") or p.name == "stem" for p in run.parts)


def _fitting(root: Group, unclear: Sequence[Group], fits: Fits) -> list[list[RawBlock]]:
    """Up to two orders whose widths make a chain."""
    runs = [_runs(group) for group in unclear]
    if math.prod(math.factorial(len(some)) for some in runs) > _MAX_ORDERS:
        return []
    fitting: list[list[RawBlock]] = []
    for orders in itertools.product(*(itertools.permutations(some) for some in runs)):
        flat = {
            group.path: [part for run in order for part in run.parts]
            for group, order in zip(unclear, orders, strict=True)
        }
        blocks = list(_flatten(root, flat))
        if fits(blocks):
            fitting.append(blocks)
            if len(fitting) > 1:
                break
    return fitting


def _two_orders(root: Group, unclear: Sequence[Group]) -> list[list[RawBlock]]:
    forth = list(_flatten(root, {}))
    back = {g.path: [part for run in _runs(g)[::-1] for part in run.parts] for g in unclear}
    return [forth, list(_flatten(root, back))]


def _as_listed(root: Group, listed: str) -> list[RawBlock]:
    """Blocks in the order of a list of their paths, or of modules whose own order is clear."""
    by_path = {group.path: group for group in _groups(root)}
    single = {block.path: block for block in root.blocks()}
    blocks: list[RawBlock] = []
    for name in (part.strip() for part in listed.split(",")):
        if name in single:
            blocks.append(single[name])
        elif name in by_path and all(len(_runs(group)) == 1 for group in _groups(by_path[name])):
            blocks += _flatten(by_path[name], {})
        elif name in by_path:
            raise InputError(f"--assume order: the order inside {name} is not clear either; name its parts")
        else:
            raise InputError(
                f"--assume order: there is no block or module {name}; blocks are {names(single)}"
            )
    if len(blocks) != len(single) or {block.path for block in blocks} != set(single):
        missing = [path for path in single if path not in {block.path for block in blocks}]
        what = f"{missing[0]} is missing" if missing else "a block is named twice"
        raise InputError(f"--assume order={listed}: {what}; every block is needed once")
    return blocks


def _difference(a: Sequence[RawBlock], b: Sequence[RawBlock]) -> str:
    """Where two orders part."""
    first = next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x.path != y.path), 0)
    one, other = (names(block.path for block in some[first : first + 3]) for some in (a, b))
    return f"{one}, ... and {other}, ..." if one != other else one


def _short(blocks: Sequence[RawBlock]) -> str:
    return names(block.path for block in blocks)
