"""The fastest engine for a network within a device: array, lanes and buffers, by planned cycles.

Every candidate is planned strip by strip. Estimates of resources are `resources.estimate`'s; nothing here has
been synthesised. What does not fit a limit is not planned; what cannot be faster than the best is not either.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork, signed_bits
from repvgg_hw.plan.device import Device
from repvgg_hw.plan.engine import limits
from repvgg_hw.plan.engine.array import LARGEST_TILES, Array, strip_sum_bits
from repvgg_hw.plan.engine.frame import FrameCycles
from repvgg_hw.plan.engine.kinds import SIZES
from repvgg_hw.plan.engine.resources import estimate
from repvgg_hw.plan.engine.schedule import Schedule, fastest
from repvgg_hw.plan.resources import Resources, of_device
from repvgg_hw.progress import Progress, silent

FILL = 0.9  # of a device: beyond, nothing is routed
DEPTHS = (1024, 2048, 4096, 8192, 16384)  # words of the data memory
ACC_STEP = 4  # bits that accumulators are rounded up by: another checkpoint of the shape fits, too
CHANNELS = range(1, 17)  # PI and PO
SLOTS = 4  # of the store: a batch begins before the pixels of the one before it came
POOL_STEP = 8  # bits that the pool's sums are rounded up to
UNWORTHY = 0.001  # share of a frame's cycles for which no lane and no memory is added
LEAST_LINES = 32  # beats of a row bank: RAM in LUTs holds no fewer at that price


@dataclass(frozen=True)
class Budget:
    """What an engine must fit.

    resources  cells; family their kind
    memory     bytes a cycle of the DRAM, reads and writes together; bd and bw of the two ports
    """

    family: str
    resources: Resources
    memory: int = 8
    bd: int = 8
    bw: int = 8

    @staticmethod
    def of(device: Device, memory: int = 8, bd: int = 8, bw: int = 8, fill: float = FILL) -> Budget:
        """A share of the device."""
        return Budget(device.part.family, of_device(device, fill), memory, bd, bw)


@dataclass(frozen=True)
class Found:
    """An engine, the network on it, and what it takes."""

    schedule: Schedule
    frame: FrameCycles
    resources: Resources

    @property
    def array(self) -> Array:
        return self.schedule.array


def search(
    network: IntegerNetwork,
    budget: Budget,
    others: Sequence[IntegerNetwork] = (),
    progress: Progress = silent,
) -> Found:
    """The engine with the fewest planned cycles a frame, and of its lanes and memories what that needs.

    others  networks that it must run as well, however fast
    Raises InputError where none fits the budget.
    """
    best: Found | None = None
    progress(0.0, "engines that fit")
    arrays = sorted(candidates((network, *others), budget), key=lambda one: -one.multipliers)
    for number, array in enumerate(arrays):
        progress(number / len(arrays), f"{number} of {len(arrays)} engines")
        if best is not None and _least(network, array) >= best.frame.interval:
            continue
        found = _planned(network, array, budget, others)
        if found is not None and (best is None or _order(found) < _order(best)):
            best = found
    if best is None:
        raise InputError("no engine for this network fits: even the smallest array exceeds what may be taken")
    progress(1.0, f"{best.array.multipliers} multipliers")
    best = _shrunk(network, best, budget, others)
    for one in (network, *others):
        limits.check(one, best.array)
    return best


def _order(found: Found) -> tuple[int, int]:
    return found.frame.interval, found.resources.lut


def _least(network: IntegerNetwork, array: Array) -> int:
    """Cycles of the multipliers alone if no tile, word or set were padded."""
    total = 0.0
    for conv, _, (height, width) in network.map_shapes():
        total += conv.shape.macs(height, width) / array.kind(conv.stride).saving
    return int(total / array.multipliers)


def _planned(
    network: IntegerNetwork, array: Array, budget: Budget, others: Sequence[IntegerNetwork]
) -> Found | None:
    """The network on this array; None where either, or one of the others, does not fit."""
    fitting = fit(array, budget)
    also = itertools.chain.from_iterable(limits.layers(other, array) for other in others)
    if fitting is None or any(next(layer.cuts(), None) is None for layer in also):
        return None
    schedule = fastest(network, array, budget.memory)
    if schedule is None:
        return None
    return Found(schedule, schedule.frame(budget.memory), fitting)


def _shrunk(network: IntegerNetwork, best: Found, budget: Budget, others: Sequence[IntegerNetwork]) -> Found:
    """With fewer lanes, then a smaller data memory, where that costs no cycles worth their hardware."""
    array = best.array
    smaller = [
        replace(array, lanes=lanes, word_depth=depth)
        for lanes in range(1, array.lanes + 1)
        if array.po % lanes == 0
        for depth in DEPTHS
        if depth <= array.word_depth
    ]
    for one in smaller:
        placed = held(one, budget)
        found = _planned(network, placed, budget, others) if placed is not None else None
        if found is not None and found.frame.interval <= (1 + UNWORTHY) * best.frame.interval:
            return found
    return best


def fit(array: Array, budget: Budget) -> Resources | None:
    """What the array takes; None where it exceeds the budget."""
    taken = estimate(array, budget.family)
    return None if any(taken.over(budget.resources)) else taken


def held(array: Array, budget: Budget) -> Array | None:
    """The array with its words in UltraRAM where block RAM does not hold them; None where neither does."""
    for uram in (0, 1):
        one = replace(array, word_uram=uram)
        if fit(one, budget) is not None:
            return one
    return None


def candidates(networks: Sequence[IntegerNetwork], budget: Budget) -> Iterator[Array]:
    """Of each n, PI and PO that fit: with the most lanes, then the deepest data memory; no more is slower."""
    bits = max(signed_bits(conv.accumulator_bound) for network in networks for conv in network.convs)
    acc_w = min(32, -(-bits // ACC_STEP) * ACC_STEP)
    outputs = max(network.convs[-1].shape.c_out for network in networks)
    width = max(network.in_shape[2] for network in networks)
    last = max(height * rest for network in networks for height, rest in [list(network.map_shapes())[-1][2]])
    map_bits = (255 * last).bit_length()
    for n in SIZES:
        sum_bits = max(map_bits, strip_sum_bits(n, LARGEST_TILES))
        pool_w = min(32, -(-sum_bits // POOL_STEP) * POOL_STEP)
        line = max(LEAST_LINES, 1 << (-(-(width + n) // budget.bd)).bit_length())
        base = Array(
            n=n, pi=1, po=1, lanes=1, t_max=LARGEST_TILES, line_depth=line, out_words=max(16, line // 2),
            slots=SLOTS, word_depth=DEPTHS[0], c_max=outputs, pool_w=pool_w, acc_w=acc_w, bd=budget.bd,
            bw=budget.bw,
        )  # fmt: skip
        for pi, po in itertools.product(CHANNELS, CHANNELS):
            array = replace(base, pi=pi, po=po)
            if array.multipliers > budget.resources.dsp or (found := held(array, budget)) is None:
                continue
            array = found
            for lanes in (lanes for lanes in range(2, po + 1) if po % lanes == 0):
                array = held(replace(array, lanes=lanes), budget) or array
            for depth in DEPTHS:
                array = held(replace(array, word_depth=depth), budget) or array
            yield array
