"""A layer alone, of its strips one of each kind: how large networks are tried; and where a write stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_cases import network_of

from repvgg_hw import golden
from repvgg_hw.plan.engine import image
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.machine import Machine
from repvgg_hw.plan.engine.schedule import Schedule, plan

ARRAY = Array(n=5, pi=2, po=2, lanes=1, t_max=8, word_depth=32, line_depth=8, out_words=8, c_max=16, acc_w=32)
NETWORK = network_of([(4, 1, 1), (6, 2, 2), (4, 1, 1)], (3, 25, 31), 11)


def alone(index: int) -> Schedule:
    """One convolution as a network of its own: its input is the frame, its map the output."""
    shape, size = NETWORK.convs[index].shape, list(NETWORK.map_shapes())[index][1]
    return plan(
        replace(NETWORK, convs=(NETWORK.convs[index],), in_shape=(shape.c_in, *size), linear=None), ARRAY
    )


@pytest.mark.parametrize("index", range(3))
def test_a_strip_of_each_kind(index: int) -> None:
    """uint8 maps as input, too; what is written is golden's, and the rest is not written."""
    schedule = alone(index)
    kinds = schedule.one_of_each_kind()
    assert 1 < len(kinds) < schedule.count - 1
    rng, low = np.random.default_rng(index), -128 if index == 0 else 0
    frame = rng.integers(low, low + 256, schedule.network.in_shape)
    machine = Machine(ARRAY, image.build(schedule, kinds))
    machine.set_input(frame)
    expected = golden.conv_layer(frame[None], schedule.network.convs[0])[0]
    strips = set()
    for write in machine.run():
        number = kinds[write.instruction]
        _, strip = schedule.place(number)
        assert strip is not None
        strips.add(strip)
        m = schedule.layers[0].kind.m
        row, column = strip.y * m + write.row, strip.x * m
        pixels = write.data[write.mask]
        assert np.array_equal(pixels, expected[write.channel, row, column : column + pixels.size])
        said = str(schedule.at(number, write.channel, write.row, 1))
        name = schedule.network.convs[0].name
        assert said == f"layer {name}, channel {write.channel}, row {row}, column {column + 1}"
    assert len(strips) == len(kinds)


def test_kinds_are_all_that_there_are() -> None:
    """Strips that are left out are like one that is not, apart from addresses."""
    schedule = plan(NETWORK, ARRAY)
    program, kinds = list(schedule.program()), schedule.one_of_each_kind()
    kept = {replace(program[number], load_addr=0, store_addr=0) for number in kinds}
    assert len(kept) == len(kinds)
    assert {replace(one, load_addr=0, store_addr=0) for one in program[:-1]} == kept


def test_a_logit_is_named_by_its_class() -> None:
    schedule = plan(NETWORK, ARRAY)
    assert str(schedule.at(schedule.count - 2, 1, 0, 9)) == "layer linear, class 10"
