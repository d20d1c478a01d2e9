"""An image, executed: every map and every logit are golden's, and an error of the schedule is found."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from engine_cases import check_machine, network_of, random_array, random_frame, random_network

from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.engine import image
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.codes import HEADER_BYTES
from repvgg_hw.plan.engine.instruction import BYTES, Op
from repvgg_hw.plan.engine.machine import Machine
from repvgg_hw.plan.engine.schedule import Schedule, plan

SMALL = Array(n=5, pi=2, po=2, lanes=1, t_max=4, word_depth=32, line_depth=4, out_words=4, c_max=16, acc_w=32)


@pytest.mark.parametrize("seed", range(24))
def test_random_networks_on_random_engines(seed: int) -> None:
    network = random_network(seed)
    check_machine(network, random_array(network, seed), seed)


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_chunks_of_columns(n: int) -> None:
    """A wide map whose rows do not fit a strip, at both strides."""
    network = network_of([(3, 1, 1), (4, 2, 1), (2, 1, 2)], (2, 11, 150), 3)
    array = Array(n=n, pi=1, po=2, lanes=1, t_max=8, word_depth=32, line_depth=16, out_words=16, acc_w=32)
    assert any(
        strip.columns < layer.tile_columns
        for layer, strips in plan(network, array).strips for strip in strips
    )  # fmt: skip
    check_machine(network, array)


def prepared() -> tuple[Schedule, bytearray, np.ndarray]:
    network = network_of([(4, 1, 1), (6, 2, 2), (4, 1, 1)], (3, 9, 11), 5)
    schedule = plan(network, SMALL)
    return schedule, bytearray(image.build(schedule)), random_frame(network)


def run(schedule: Schedule, data: bytes, frame: np.ndarray) -> np.ndarray:
    machine = Machine(schedule.array, data)
    machine.set_input(frame)
    assert sum(1 for _ in machine.run()) > 0
    return machine.output.view("<i4")[: schedule.network.num_classes]


FAULTS = {
    "top": ("top", 0),
    "bottom": ("bottom", 0),
    "x_first": ("x_first", 0),
    "x_limit": ("x_limit", 8),
    "shift": ("shift", 5),
    "in_signed": ("in_signed", 0),
    "store_pitch": ("store_pitch", 8),
    "load_step": ("load_step", 8),
    "weight_addr": ("weight_addr", HEADER_BYTES),
    "out_lanes": ("out_lanes", 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_field_shows(name: str) -> None:
    """In the result, or by leaving the memory or the sums' widths."""
    schedule, data, frame = prepared()
    good = run(schedule, bytes(data), frame)
    field, value = FAULTS[name]
    for number, one in enumerate(schedule.program()):
        if one.op != Op.CONV:
            continue
        at = HEADER_BYTES + number * BYTES
        data[at : at + BYTES] = replace(one, **{field: value}).pack()
    with contextlib.suppress(CheckFailed):
        assert not np.array_equal(run(schedule, bytes(data), frame), good)


def test_a_missing_dependency_is_found() -> None:
    schedule, data, frame = prepared()
    for number, one in enumerate(schedule.program()):
        if one.depends:
            at = HEADER_BYTES + number * BYTES
            data[at : at + BYTES] = replace(one, depends=0).pack()
    with pytest.raises(CheckFailed, match="does not wait"):
        run(schedule, bytes(data), frame)


def test_images_are_checked() -> None:
    schedule, data, _ = prepared()
    array, good = schedule.array, bytes(data)
    assert image.parse(good, array).fingerprint == image.fingerprint(schedule.network)
    other = replace(array, t_max=array.t_max + 1)
    for wrong, of, message in (
        (b"", array, "not an engine's image"),
        (b"ELF" + good[3:], array, "not an engine's image"),
        (good[:-64], array, f"has {len(good) - 64} bytes, its header says {len(good)}"),
        (good[:4] + b"\7" + good[5:], array, "version 7"),
        (good, other, "for engine"),
        (good[:20] + b"\xff\xff" + good[22:], array, "program"),
    ):
        with pytest.raises(InputError, match=message) as error:
            image.parse(wrong, of)
        assert "\n" not in str(error.value)
    for at, byte in ((HEADER_BYTES, 0), (HEADER_BYTES, 9), (len(good) - 1, 0)):
        broken = bytearray(good)
        broken[at] = byte
        if at < len(good) - 1:
            with pytest.raises(InputError, match="instruction 0"):
                image.parse(bytes(broken), array).program  # noqa: B018


def test_the_same_network_gives_the_same_bytes() -> None:
    schedule, data, _ = prepared()
    assert image.build(plan(schedule.network, schedule.array)) == bytes(data)
