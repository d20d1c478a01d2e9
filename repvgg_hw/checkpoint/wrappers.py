"""Find the state dict in what a trainer saved: wrappers, averaged weights beside raw ones, passengers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from repvgg_hw.checkpoint.decisions import CHOICES, Decisions, names, refusal
from repvgg_hw.checkpoint.pickles import StandIn
from repvgg_hw.errors import InputError

MAX_DEPTH = 6  # wrappers around the state dict
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
_AVERAGED = re.compile(r"(^|[_.\-/])(ema|swa|averaged?|avg|polyak)($|[_.\-/\d])|^(ema|swa)", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"(^|[_.])(optim|optimi[sz]ers?|(lr_?)?sched(uler)?s?|scaler|loss(es)?|criterion)($|[_.])", re.IGNORECASE
)
# what counters of operations leave beside weights, AveragedModel's own counter, DiracNet's unit matrices
AUXILIARY = re.compile(r"(^|\.|_)aux(iliary)?(\.|_|\d|$)")
_PASSENGER = re.compile(r"(^|\.)(total_ops|total_params|n_averaged|eye[\d_]*)$")


@dataclass(frozen=True)
class _Candidate:
    """A dictionary of tensors with convolutions in it, and where it was found."""

    path: str
    tensors: dict[str, Any]  # torch's, or NumPy's out of a safetensors file

    @property
    def averaged(self) -> bool:
        return bool(_AVERAGED.search(self.path))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What must be the same in raw and averaged weights."""
        return {
            key: tuple(t.shape)
            for key, t in strip_prefixes(self.tensors).items()
            if not _PASSENGER.search(key) and not key.endswith("num_batches_tracked")
        }


def unwrap(content: Any, decisions: Decisions, classes: Sequence[str] = ()) -> dict[str, Tensor]:
    """The one state dict in a file's content, prefixes included, in the file's order.

    classes  of objects in the file that were not read, for the message
    Averaged weights (EMA, SWA) win over the raw ones of the same network, which is recorded. Raises
    InputError if there is none, or if there are several that are not one network's raw and averaged weights.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"holds a {type(content).__name__}, not a dictionary of tensors")
    candidates = list(_candidates(content, "", 0))
    if not candidates:
        tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors  # no convolution: whoever reads names says what is missing
        objects = f", and objects of {names(classes)}: save the state_dict()" if classes else ""
        raise InputError(f"no tensors in it (keys: {names(map(str, content))}){objects}")
    return _choose(candidates, decisions).tensors


def one_network(tensors: Mapping[str, Any], decisions: Decisions) -> dict[str, Any]:
    """tensors, or those of one of several networks that stand in it side by side, each with its prefix.

    Networks are told by having convolutions and a linear layer of their own; the choice is unwrap's.
    """
    parts: dict[str, dict[str, Any]] = {}
    for key, value in tensors.items():
        parts.setdefault(key.partition(".")[0], {})[key] = value
    whole = [name for name, part in parts.items() if not AUXILIARY.search(name) and _is_network(part)]
    beside = [key for name, part in parts.items() if name not in whole for key in part]
    if len(whole) < 2 or any(not _PASSENGER.search(key) for key in beside):
        return dict(tensors)
    candidates = [
        _Candidate(name, {key.removeprefix(f"{name}."): value for key, value in parts[name].items()})
        for name in whole
    ]
    return _choose(candidates, decisions).tensors


def _is_network(part: Mapping[str, Any]) -> bool:
    return {4, 2} <= {value.ndim for key, value in part.items() if key.endswith(".weight")}


def strip_prefixes(state: Mapping[str, Any]) -> dict[str, Any]:
    """Take off a prefix that every key has (but for an average's counter), as often as there is one."""
    stripped = dict(state)
    while stripped:
        rest = [key for key in stripped if key != "n_averaged"]
        shared = next((p for p in PREFIXES if rest and all(key.startswith(p) for key in rest)), None)
        if shared is None:
            return stripped
        stripped = {key.removeprefix(shared): value for key, value in stripped.items()}
    return stripped


def drop_passengers(state: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(state without entries that are no part of a network, their names)."""
    dropped = [key for key in state if _PASSENGER.search(key)]
    return {key: value for key, value in state.items() if key not in set(dropped)}, dropped


def _candidates(content: Mapping[Any, Any], path: str, depth: int) -> Iterator[_Candidate]:
    """Every dictionary of tensors that holds a convolution, outermost first, optimizers left out."""
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if any(tensor.ndim == 4 for tensor in tensors.values()) and all(isinstance(k, str) for k in content):
        for key, value in content.items():
            if isinstance(value, StandIn) and "." in key:
                raise InputError(f"{key} is a {type(value).__name__}, not a tensor")
        yield _Candidate(path, tensors)
    for key, value in content.items():
        if not isinstance(key, str) or _NO_NETWORK.search(key):
            continue
        inside = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            if depth == MAX_DEPTH:
                raise InputError(f"more than {MAX_DEPTH} wrappers around the tensors")
            yield from _candidates(value, inside, depth + 1)
        elif _AVERAGED.search(key) and isinstance(value, (list, tuple)) and _holds_kernel(value):
            yield _Candidate(inside, {})  # averaged weights without names: they cannot be read


def _holds_kernel(values: Sequence[Any]) -> bool:
    return any(isinstance(value, Tensor) and value.ndim == 4 for value in values)


def _choose(candidates: list[_Candidate], decisions: Decisions) -> _Candidate:
    """The one candidate, the averaged one of two, or the user's."""
    paths = [candidate.path or "the top level" for candidate in candidates]
    if len(candidates) == 1:
        return candidates[0]
    given = decisions.given("weights")
    if given is not None:
        chosen = next((c for c in candidates if c.path == given and c.tensors), None)
        if chosen is None:
            raise InputError(f"--assume weights={given}: there are {names(paths)}")
        decisions.record("weights", given, f"--assume weights={given}")
        return chosen
    candidates = _without_copies(candidates)
    if len(candidates) == 1:
        return candidates[0]
    averaged, raw = [c for c in candidates if c.averaged], [c for c in candidates if not c.averaged]
    if len(averaged) != 1 or len(raw) != 1:
        raise refusal(f"several networks in one file: {names(paths)}", _option(candidates))
    if averaged[0].shapes() != raw[0].shapes():
        raise refusal(
            f"{averaged[0].path} is not the average of {raw[0].path}, their keys differ: either of the two "
            "may be the network",
            _option(candidates),
        )
    decisions.record(
        "weights", averaged[0].path, f"averaged weights are taken in place of the raw ones of {raw[0].path}"
    )
    return averaged[0]


def _option(candidates: Sequence[_Candidate]) -> str:
    values = "|".join(c.path for c in candidates if c.tensors and c.path)
    return f"--assume weights={values or CHOICES['weights'].values}"


def _without_copies(candidates: list[_Candidate]) -> list[_Candidate]:
    """candidates without those whose tensors are, one by one, another's."""
    kept: list[_Candidate] = []
    for candidate in candidates:
        if not any(_same(candidate, other) for other in kept):
            kept.append(candidate)
    return kept


def _same(a: _Candidate, b: _Candidate) -> bool:
    if not a.tensors or {k: v.shape for k, v in a.tensors.items()} != {
        k: v.shape for k, v in b.tensors.items()
    }:
        return False
    return all(bool((value == b.tensors[key]).all()) for key, value in a.tensors.items())
