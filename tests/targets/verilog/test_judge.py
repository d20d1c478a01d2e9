"""What a bench's log means: only one that says of every frame of every layer that it was equal is green."""

from __future__ import annotations

import pytest
from hls_networks import Layer, random_network

from repvgg_hw.design.results import LayerResult
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.judge import (
    ended,
    exact_images,
    frames_played,
    judge,
    read_logits,
    wrong_intervals,
)
from repvgg_hw.targets.verilog.netlist import Probe, Stream

PROBES = [Probe("stage0.0", Stream("stage0_0", 2, 8), 8), Probe("linear", Stream("linear", 1, 32), 3)]
SHAPES: dict[str, tuple[int, ...]] = {"stage0.0": (4, 2, 2), "linear": (3,)}
PLANNED = {"stage0.0": 100, "linear": 100}
IMAGES = 2
# frame LAYER NUMBER CYCLE DIFFERENCES; end LAYER FRAMES BEATS; frames PLAYED
SOUND = [
    "frame stage0.0 0 150 0",
    "frame linear 0 180 0",
    "frame stage0.0 1 250 0",
    "frame linear 1 280 0",
    "end stage0.0 2 0",
    "end linear 2 0",
    "frames 2",
]


def judged(lines: list[str], first_image: int = 0) -> dict[str, LayerResult]:
    results = judge(lines, PROBES, SHAPES, PLANNED, IMAGES, first_image)
    assert [one.name for one in results] == [probe.layer for probe in PROBES]
    return {one.name: one for one in results}


def without(*left_out: str) -> list[str]:
    return [line for line in SOUND if line not in left_out]


def test_a_sound_log() -> None:
    results = judged(SOUND)
    assert [one.problem for one in results.values()] == [None, None]
    assert [one.values for one in results.values()] == [2 * 16, 2 * 3]
    assert results["stage0.0"].cycles == (150, 250)
    assert results["stage0.0"].interval == 100
    assert exact_images(list(results.values()), IMAGES) == IMAGES
    assert ended(SOUND)
    assert not ended(without("frames 2"))


def test_images_that_are_played_again() -> None:
    more = ["frame stage0.0 2 350 0", "frame stage0.0 3 450 1", "mismatch stage0.0 3 5 0201 0203"]
    lines = [*without("frames 2", "end stage0.0 2 0"), *more, "end stage0.0 4 0", "frames 4"]
    assert frames_played(lines, IMAGES) == 4
    results = judged(lines)
    assert results["stage0.0"].bad_frames == (1,)
    found = results["stage0.0"].divergence
    assert found is not None
    # beat 5 of two lanes: values 10 and 11, which are channels 2 and 3 of pixel 2
    assert (found.image, found.channel, found.row, found.column) == (1, 2, 1, 0)
    assert (found.expected, found.got) == (1, 3)
    assert results["linear"].problem == "linear: stops in image 0 after 0 of 3 beats"


def test_logits_are_signed_and_images_count_on() -> None:
    lines = [
        *without("frame linear 1 280 0"),
        "mismatch linear 1 2 ffffffff 00000001",
        "frame linear 1 280 1",
    ]
    found = judged(lines, first_image=10)["linear"].divergence
    assert found is not None
    assert (found.image, found.channel, found.row) == (11, 2, None)
    assert (found.expected, found.got) == (-1, 1)


# What is not said, or said otherwise -> layer and problem. Nothing but the sound log may be green.
RED: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "stage0.0: stops in image 0 after 0 of 8 beats"),
    "a layer is silent": (
        [line for line in SOUND if "linear" not in line],
        "linear: stops in image 0 after 0 of 3 beats",
    ),
    "a frame is missing": (
        [*without("frame stage0.0 1 250 0", "end stage0.0 2 0"), "end stage0.0 1 5"],
        "stage0.0: stops in image 1 after 5 of 8 beats",
    ),
    "a frame of which only the end speaks": (
        without("frame stage0.0 1 250 0"),
        "stage0.0: stops in image 1 after 0 of 8 beats",
    ),
    "a difference that is nowhere": (
        [line.replace("frame linear 1 280 0", "frame linear 1 280 3") for line in SOUND],
        "linear: image 1 differs, and the bench does not say where",
    ),
    "a beat too many": (
        [*SOUND, "surplus stage0.0"],
        "stage0.0: sends more than 2 frames of 8 beats",
    ),
    "tlast": ([*SOUND, "tlast linear 1"], "linear: tlast is wrong at beat 1 of a frame"),
    "more was played than came out": (
        [line.replace("frames 2", "frames 3") for line in SOUND],
        "stage0.0: stops in image 0 after 0 of 8 beats",
    ),
}


@pytest.mark.parametrize("case", RED)
def test_what_is_not_said_is_a_problem(case: str) -> None:
    lines, problem = RED[case]
    problems = [one.problem for one in judged(lines).values() if one.problem]
    assert problems[:1] == [problem]


def test_a_frame_that_differs_anywhere_is_no_exact_image() -> None:
    lines = [*SOUND[:3], "mismatch linear 1 0 00000001 00000002", "frame linear 1 280 1", *SOUND[4:]]
    results = list(judged(lines).values())
    assert exact_images(results, IMAGES) == 1
    assert exact_images(list(judged([]).values()), IMAGES) == 0


def test_the_first_difference_is_the_one_that_is_told() -> None:
    later = "mismatch linear 1 1 00000005 00000006"
    lines = [*SOUND[:3], "mismatch linear 1 0 00000001 00000002", later, "frame linear 1 280 2", *SOUND[4:]]
    found = judged(lines)["linear"].divergence
    assert found is not None
    assert (found.channel, found.expected, found.got) == (0, 1, 2)


def test_a_frame_that_is_missing_is_no_exact_image() -> None:
    results = list(judged([*without("frame linear 1 280 0", "end linear 2 0"), "end linear 1 0"]).values())
    assert exact_images(results, IMAGES) == 1


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Of three layers, the second the slowest."""
    made = random_network([Layer(4, pi=3, po=4), Layer(4), Layer(4, po=2)], in_shape=(3, 6, 6))[1]
    assert made.convs[1].cycles == made.frame_interval > made.convs[2].cycles > made.in_cycles
    return made


def at_intervals(plan: Plan, *intervals: int | None) -> list[LayerResult]:
    """Results of convolution layers, whose last frames were so many cycles apart; None: of one frame only."""
    pairs = zip(plan.convs, intervals, strict=True)
    return [
        LayerResult(conv.name, 1, conv.cycles, cycles=(500,) if one is None else (500, 500 + one))
        for conv, one in pairs
    ]


def test_intervals(plan: Plan) -> None:
    """None may be longer than planned; from the slowest layer on none may be shorter."""
    kept = plan.frame_interval
    wrong: list[tuple[tuple[int | None, ...], list[str]]] = [
        ((kept, kept, kept), []),
        ((kept - 5, kept, kept), []),
        ((kept, kept - 1, kept), ["stage1.0"]),
        ((kept, kept, kept - 1), ["stage2.0"]),
        ((kept + 1, kept, kept + 1), ["stage0.0", "stage2.0"]),
        ((kept, kept, None), ["stage2.0"]),
    ]
    for intervals, layers in wrong:
        said = wrong_intervals(at_intervals(plan, *intervals), plan)
        assert [one.partition(":")[0] for one in said] == layers, intervals


def test_logits(plan: Plan) -> None:
    """Of the images' first round, signed; None where some are missing."""
    assert plan.linear is not None
    count = plan.linear.c_out
    mask = (1 << plan.linear.acc_bits) - 1
    lines = [f"logit {(value - 3) & mask:x}" for value in range(3 * count)]
    logits = read_logits(lines, plan, IMAGES)
    assert logits is not None
    assert logits.tolist() == [[i - 3 for i in range(count)], [i - 3 for i in range(count, 2 * count)]]
    assert read_logits(lines[: 2 * count - 1], plan, IMAGES) is None
