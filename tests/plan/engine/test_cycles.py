"""Planned cycles: each process by hand for one strip, and what a frame adds to the slowest of them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from engine_cases import DIGITS, DIGITS_CYCLES, network_of

from repvgg_hw.network import ConvShape
from repvgg_hw.plan.engine import cycles, limits
from repvgg_hw.plan.engine.array import READ_DEPTH, Array
from repvgg_hw.plan.engine.frame import frame_cycles
from repvgg_hw.plan.engine.ring import Ring
from repvgg_hw.plan.engine.schedule import best_cut, plan
from repvgg_hw.plan.engine.tiling import Layer

ZYNQ = Array(
    n=9, pi=1, po=2, lanes=2, t_max=16, word_depth=2048, line_depth=64, out_words=32, acc_w=28, bd=8, bw=8
)


def test_a_strip_by_hand() -> None:
    """192 -> 192 channels at 14 x 14: four tiles of F(7), a word every cycle, weights every four."""
    layer = Layer(ZYNQ, ConvShape("a", 192, 192), 14, 14)
    (strip,) = layer.strips(2, 2)
    one = cycles.of_strip(layer, strip)
    assert one.multiply == 96 * 192 * 4
    leaves = 2 * (14 * 2 + cycles.STORE_COMMAND)  # two channels, a command each: longer than 4 tiles' 36 rows
    assert one.drain == 96 * leaves
    assert one.transform == 192 * 4 * 9
    assert one.weight_bytes == 96 * (2 + 192 * 18 // 8) * 8
    rows = (9 - 1) + (14 - 8)  # from the top edge on; of those from row 6 on two are there
    assert one.load_bytes == 192 * rows * 2 * 8
    assert one.store_bytes == 192 * 14 * 2 * 8
    assert one.bound() == one.multiply


def test_weights_bind_small_strips() -> None:
    """One tile: a set of weights takes four cycles, or as many as its bytes need."""
    wide = replace(ZYNQ, pi=4)
    layer = Layer(wide, ConvShape("a", 8, 8), 7, 7)
    (strip,) = layer.strips(1, 1)
    assert cycles.of_strip(layer, strip).multiply == 4 * (2 + 2 * 9)
    layer = Layer(ZYNQ, ConvShape("a", 8, 8), 7, 7)
    (strip,) = layer.strips(1, 1)
    assert cycles.of_strip(layer, strip).multiply == 4 * 8 * cycles.SET_CYCLES


@pytest.mark.parametrize("lanes", [1, 2])
def test_the_stem_is_bound_by_the_drain(lanes: int) -> None:
    array = Array(n=9, pi=1, po=2, lanes=lanes, line_depth=64, out_words=32)
    layer = Layer(array, ConvShape("stem", 3, 48, 2), 224, 224)
    total, _ = cycles.steady(layer, best_cut(layer))
    assert total == 28 * 28 * 48 * 9 // lanes


def test_a_store_of_lines_waits_for_each() -> None:
    """A chunk of a map's columns is a command a line; lines that touch are one a channel."""
    layer = Layer(ZYNQ, ConvShape("a", 8, 8), 112, 112)
    chunk, whole = next(layer.strips(1, 8)), next(layer.strips(1, 16))
    assert cycles.store_cycles(layer, chunk) == 2 * 7 * (7 + cycles.STORE_COMMAND)
    assert cycles.store_cycles(layer, whole) == 2 * (7 * 14 + cycles.STORE_COMMAND)


def test_a_layer_loads_no_sooner_than_its_first_channel_is_stored() -> None:
    """Behind a layer of many strips: its channels come with the last one, and are transformed for longer.

    A0's stage2.0 and stage2.1 on a KV260: in RTL 3,883 cycles in which the array has no data.
    """
    network = network_of([(96, 2, 1), (96, 1, 1)], (48, 56, 56), classes=0)
    array = replace(ZYNQ, pi=2, po=6, lanes=3, bd=16, bw=32)
    many, single = limits.layers(network, array)
    found = frame_cycles([(many, [*many.strips(2, 7)]), (single, [*single.strips(4, 4)])], 0, 48)
    first, then = found.layers
    last, (whole,) = first.strips[-1], then.strips
    late = whole.transform - last.compute  # of the last word, behind the last channel
    assert late > 4000
    assert then.end - first.end > late + whole.compute - whole.set_multiply


def test_rows_that_find_no_room_wait() -> None:
    """Row banks of one line load and are read by turns; of two they do both at once."""
    found = [
        cycles.row_cycles(layer, next(layer.strips(1, 8)))
        for depth in (8, 16)
        for layer in [Layer(replace(ZYNQ, line_depth=depth), ConvShape("a", 8, 8), 56, 56)]
    ]
    assert found == [9 * 7 + cycles.MEMORY_LATENCY + 8 * 9, 8 * 9]


def test_a_batch_waits_for_a_slot_of_the_store() -> None:
    """One tile is drained in 9 cycles, but its pixels are on their way for longer than two slots hide."""
    layer = Layer(replace(ZYNQ, slots=2), ConvShape("a", 8, 8), 7, 7)
    (strip,) = layer.strips(1, 1)
    leaves = 2 * (7 + cycles.STORE_COMMAND)
    assert cycles.batch_cycles(layer, strip) == -(-(9 + cycles.DRAIN_LATENCY + leaves) // 2)
    pooled = replace(layer, array=replace(ZYNQ, slots=8), stored=False)
    assert cycles.batch_cycles(pooled, strip) == 9


def test_a_narrower_memory_takes_longer() -> None:
    network = network_of([(8, 1, 1), (16, 2, 1), (16, 1, 1)], (3, 28, 28), 10)
    schedule = plan(network, ZYNQ)
    wide, narrow = schedule.frame(64), schedule.frame(1)
    assert wide.bytes == narrow.bytes
    assert narrow.cycles >= narrow.bytes
    assert wide.cycles < narrow.cycles


def test_a_frame_is_hardly_longer_than_its_slowest_processes() -> None:
    """Layers follow each other: what is lost between them is less than a strip's first set."""
    network = network_of([(32, 1, 1)] * 6, (32, 28, 28), 10)
    frame = plan(network, ZYNQ).frame()
    steady = sum(one.bound() for layer in frame.layers for one in layer.strips) + frame.linear
    first = frame.layers[0].strips[0].transform  # nothing is multiplied meanwhile
    assert steady <= frame.cycles <= 1.05 * steady + first
    assert frame.macs == 6 * 28 * 28 * 32 * 32 * 9 + 320
    assert 0 < frame.efficiency < (7 * 3 / 9) ** 2


def test_a_linear_layer_is_beside_the_next_frame() -> None:
    """Of a long one the next frame is not slower than that layer; of a short one, hardly than without."""
    convs = [(32, 1, 1)] * 6
    short, none, long = (
        plan(network_of(convs, (32, 28, 28), classes), ZYNQ).frame(64) for classes in (10, 0, 20_000)
    )
    assert none.interval <= none.cycles
    assert none.interval <= short.interval < 1.01 * none.interval
    assert short.cycles == short.layers[-1].end + short.linear + cycles.MEMORY_LATENCY
    assert long.linear > none.interval
    assert long.linear <= long.interval < long.cycles - 0.9 * none.interval
    assert short.efficiency == short.macs / (ZYNQ.multipliers * short.interval)


def test_a_linear_layer_takes_of_a_narrow_memory() -> None:
    """What all move together takes its time, whichever order it comes in."""
    frame = plan(network_of([(8, 1, 1)], (8, 28, 28), 3000), ZYNQ).frame(1)
    assert frame.bytes <= frame.interval <= frame.cycles


NARROW = Array(n=3, pi=2, po=4, lanes=4, word_depth=1024, line_depth=32, out_words=16, c_max=64, acc_w=28)


@pytest.mark.parametrize("array", DIGITS_CYCLES, ids=lambda array: f"{array.n}-{array.pi}-{array.po}")
def test_small_layers_are_planned_as_rtl_runs_them(array: Array) -> None:
    """What weights, loads and stores take from each other: up to 2.3 % of such a frame, left out at first."""
    planned = plan(network_of(DIGITS, (1, 32, 32), 10), array).frame().interval
    assert planned == pytest.approx(DIGITS_CYCLES[array], rel=0.01)


def test_layers_bound_by_weights_take_what_all_move() -> None:
    """2 x 2: a beat of weights each cycle; stores and the next layer's loads go through the same memory.

    The digits network's stage3.2 on such an engine: in RTL 5,056 cycles, where weights alone need 4,672.
    """
    network = network_of([(64, 1, 1)] * 6, (64, 2, 2), classes=0)
    layers = plan(network, NARROW).frame().layers
    taken = [then.end - layer.end for layer, then in itertools.pairwise(layers)]
    strip = layers[2].strips[0]
    assert strip.weight_bytes == 4672 * 8 == strip.multiply * 8
    assert strip.bytes == 5056 * 8
    moved = 5056 + 128 // 8  # and an instruction
    assert taken == [moved] * 5
    ample = plan(network, NARROW).frame(64).layers
    assert ample[4].end - ample[3].end == 4672


def test_the_port_holds_weights_for_what_is_behind() -> None:
    """A layer bound by products leaves its port full; those bound by weights take that first."""
    network = network_of([(64, 1, 1), (64, 2, 1)] + [(64, 1, 1)] * 3, (64, 4, 4), classes=0)
    first, *others = plan(network, NARROW).frame().layers
    assert first.strips[0].multiply > first.strips[0].bytes // 8
    strips = [layer.strips[0] for layer in others]
    moved = sum(one.weight_bytes + one.store_bytes + 128 for one in strips)
    moved += sum(one.load_bytes for one in (*strips[1:], first.strips[0]))
    assert moved // 8 - (others[-1].end - first.end) == pytest.approx(READ_DEPTH, abs=50)


def test_a_linear_layers_weights_are_asked_for_ahead() -> None:
    """What its port holds of them comes while the last layers are multiplied, also of a frame alone."""
    shapes = [(64, 1, 1)] * 6
    few, many = (
        plan(network_of(shapes, (64, 2, 2), classes), NARROW).frame().layers[-1].end for classes in (10, 80)
    )
    beats = 2 * (64 + 4 + 4)  # of two blocks of eight classes: weights, biases and logits
    assert many - few == READ_DEPTH - beats


def test_traffic_is_weighed_against_cycles() -> None:
    """96 channels at 28 x 28: one strip of sixteen tiles refills late, but reads its weights once."""
    layer = Layer(ZYNQ, ConvShape("a", 96, 96), 28, 28)
    once, twice = (cycles.steady(layer, cut) for cut in ((4, 4), (2, 4)))
    assert twice[0] < once[0] < 1.1 * twice[0]
    assert once[1] < 0.8 * twice[1]
    assert best_cut(layer) == (4, 4)


def test_what_the_ring_holds_late() -> None:
    """512 words of four tiles: the next strip's are transformed while the last set is multiplied."""
    layer = Layer(ZYNQ, ConvShape("a", 512, 512), 14, 14)
    (strip,) = layer.strips(2, 2)
    one = cycles.of_strip(layer, strip)
    assert one.set_words == 2048
    assert one.refill == 2048 * 9
    assert one.bound() == 256 * 2048 + 2048 * 9 - 2 * 2048


@pytest.mark.parametrize("seed", range(20))
def test_the_ring_word_by_word(seed: int) -> None:
    """Groups of random sizes through a ring: when each word has a place, by a list of all words."""
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(4, 40))
    ring, dead, end = Ring(depth), list[int](), 0
    for _ in range(30):
        words, pace = int(rng.integers(1, depth + 1)), int(rng.integers(1, 10))
        places = [dead[at - depth] if at >= depth else 0 for at in range(len(dead), len(dead) + words)]
        assert [ring.room(ahead) for ahead in range(words)] == places
        last = 0
        for place in places:  # a word a `pace`, each when it has a place
            last = max(last + pace, place)
        waits = [place + pace * (words - number) for number, place in enumerate(places) if place]
        filled = max(waits, default=0)
        assert abs(ring.filled(words, pace * words) - filled) <= pace
        end = max(end, last) + int(rng.integers(0, 100))
        read = words * int(rng.integers(1, 4))
        end += read
        dead += [end - read + (word + 1) * (read // words) for word in range(words)]
        ring.add(words, end, read)


@pytest.mark.parametrize(
    ("height", "stride", "depth", "rows"),
    [
        (14, 1, 64, 14),  # every row once
        (14, 1, 2, 8 + 8),  # the banks hold one line
        (15, 1, 64, 8 + 7 + 2),  # the last windows have no row of their own
        (16, 2, 64, 16),
    ],
)
def test_rows_of_two_windows_are_loaded_once(height: int, stride: int, depth: int, rows: int) -> None:
    layer = Layer(replace(ZYNQ, line_depth=depth), ConvShape("a", 8, 8, stride), height, 14)
    (strip,) = layer.strips(3, 2)
    assert layer.load_rows(strip) == rows


def test_biases_come_while_the_last_sets_are_used() -> None:
    """Two sets a block, four cycles each; three beats of biases and four of a set come in their eight."""
    three = replace(ZYNQ, po=3, lanes=3)
    layer = Layer(three, ConvShape("a", 64, 6), 7, 7)
    (strip,) = layer.strips(1, 1)
    assert cycles.of_strip(layer, strip).multiply == 2 * 64 * 4
