"""Why a network does not give what was expected: variants of it that do. Nothing found here is ever used."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F

from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.run import Activation, Floats, outputs
from repvgg_hw.errors import InputError
from repvgg_hw.network import out_size

_MAX_MACS = 4e10  # of all variants together: some seconds
_MAX_STAGES = 6  # of which every pattern of strides is tried
_ACTIVATIONS: dict[str, Activation] = {
    "LeakyReLU(0.01)": F.leaky_relu,
    "LeakyReLU(0.1)": lambda x: F.leaky_relu(x, 0.1),
    "ReLU6": F.relu6,
    "SiLU": F.silu,
    "Hardswish": F.hardswish,
    "GELU": F.gelu,
    "no activation": lambda x: x,
}


Others: TypeAlias = Callable[[], Iterable[tuple[str, Imported]]]


def cause(imported: Imported, x: Floats, y: Floats, tolerance: float, others: Others = tuple) -> str | None:
    """What to change so that the network gives y for x, if one change of the usual ones does; else None.

    Tried are softmax behind the logits, another activation, others, strides, and two neighbours swapped.
    """
    x, y = x[:1], y[:1]
    left = _MAX_MACS
    for words, run, cost in _variants(imported, x, others):
        left -= cost
        if left < 0:
            return None
        try:
            got = run()
        except InputError:  # maps of that variant do not fit in memory
            continue
        if got.shape == y.shape and np.abs(got - y).max() <= tolerance * np.abs(y).max():
            return words
    return None


Variant = tuple[str, Callable[[], Floats], float]


def _variants(imported: Imported, x: Floats, others: Others) -> Iterator[Variant]:
    macs = _macs(imported, x.shape[2], x.shape[3])
    if imported.linear is not None:
        yield (
            "it does with softmax behind its logits: give the logits as y",
            partial(_softmax, imported, x),
            macs,
        )
    for name, activation in _ACTIVATIONS.items():
        words = f"it does with {name} in place of ReLU, and hardware has ReLU only"
        yield words, partial(outputs, imported, x, activation), macs
    for words, changed in itertools.chain(others(), _other_strides(imported), _swapped(imported)):
        yield words, partial(outputs, changed, x), _macs(changed, x.shape[2], x.shape[3])


def _softmax(imported: Imported, x: Floats) -> Floats:
    return np.asarray(torch.softmax(torch.from_numpy(outputs(imported, x)), 1).numpy())


def _macs(imported: Imported, height: int, width: int) -> float:
    total = 0
    for conv in imported.convs:
        height, width = out_size(height, conv.stride), out_size(width, conv.stride)
        total += conv.shape.macs(height, width)
    return float(total)


def _other_strides(imported: Imported) -> Iterator[tuple[str, Imported]]:
    """One layer's stride changed, every pattern over the stages, two layers' strides exchanged."""
    strides = [conv.stride for conv in imported.convs]
    layers, depths = range(len(strides)), imported.architecture.depths
    starts = [sum(depths[:stage]) for stage in range(len(depths))]
    single = ([3 - s if i == at else s for i, s in enumerate(strides)] for at in layers)
    stages = (
        [dict(zip(starts, pattern, strict=True)).get(i, 1) for i in layers]
        for pattern in itertools.product((1, 2), repeat=len(starts))
    )
    exchanged = (
        [strides[b if i == a else a if i == b else i] for i in layers]
        for a, b in itertools.combinations(layers, 2)
        if strides[a] != strides[b]
    )
    seen = [strides]
    for other in itertools.chain(single, stages if len(starts) <= _MAX_STAGES else (), exchanged):
        if other not in seen:
            seen.append(other)
            convs = tuple(replace(c, stride=s) for c, s in zip(imported.convs, other, strict=True))
            words = f"it does with strides {','.join(map(str, other))} (--strides)"
            yield words, replace(imported, convs=convs)


def _swapped(imported: Imported) -> Iterator[tuple[str, Imported]]:
    """Two neighbours that all read and give the same number of channels, in the other order."""
    for at in range(len(imported.convs) - 1):
        convs, blocks = list(imported.convs), list(imported.blocks)
        first, second = convs[at : at + 2]
        if len({first.shape.c_in, first.shape.c_out, second.shape.c_in, second.shape.c_out}) > 1:
            continue
        convs[at : at + 2], blocks[at : at + 2] = [second, first], [blocks[at + 1], blocks[at]]
        names = f"{imported.prefixes[at]} and {imported.prefixes[at + 1]}"
        yield f"it does with {names} swapped", replace(imported, convs=tuple(convs), blocks=tuple(blocks))
