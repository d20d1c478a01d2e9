"""An engine's layers alone, and extremes: as of streaming designs, on the simulator that is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_cases import random_frame
from engine_designs import ARRAY, NETWORK

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.engine.layers import Part, layer_frames, parts
from repvgg_hw.targets.verilog.engine.layers import prove as prove_part
from repvgg_hw.targets.verilog.engine.run import build


def prove(design: Design[EnginePlan], options: ProofOptions, count: int = 1) -> SimulationResult:
    images = np.stack([random_frame(NETWORK, seed) for seed in range(count)])
    return targets.get("verilog").prove(design, images, options)


def test_every_layer_alone_to_its_edges(engine: Design[EnginePlan]) -> None:
    """Extremes reach what a sum can reach: the first layer's pixels are signed, so nearly its bound."""
    result = prove(engine, ProofOptions(layers=True, extremes=True, jobs=1, stalls=5))
    assert result.problems == ()
    assert result.mode == "layers"
    assert [layer.name for layer in result.layers] == [*(conv.name for conv in NETWORK.convs), "linear"]
    first = result.layers[0]
    assert first.values > 5 * 6 * 7  # more than of the one image
    assert first.reach["accumulator"].share > 0.95
    assert first.reach["data"].share == 1


def test_one_layer(engine: Design[EnginePlan]) -> None:
    result = prove(engine, ProofOptions(layer="stage1.0"))
    assert result.problems == ()
    assert [(layer.name, layer.values) for layer in result.layers] == [("stage1.0", 6 * 6 * 7)]
    assert result.bit_exact == 1


def test_the_pooled_layer_goes_with_the_linear_one(engine: Design[EnginePlan]) -> None:
    for name in ("stage3.0", "linear"):
        result = prove(engine, ProofOptions(layer=name))
        assert result.problems == ()
        assert [(one.name, one.values) for one in result.layers] == [("stage3.0", 9), ("linear", 10)]


class Broken(Part):
    """One byte of the weights that lie in the memory is another; everything else is right."""

    def job(self, sample: bool = False) -> Job:
        job = super().job(sample)
        image = bytearray(job.image)
        image[self.schedule.weight_addresses[0] + ARRAY.affine_beats * ARRAY.bw] ^= 0x40
        return replace(job, loaded=bytes(image))


@pytest.mark.parametrize("sample", [False, True])
def test_a_difference_names_its_place(engine: Design[EnginePlan], sample: bool, tmp_path: Path) -> None:
    frames = np.stack([random_frame(NETWORK, 1)])
    part = list(parts(engine.plan.schedule, engine.plan.layers, 8))[1]
    inputs = dict(layer_frames(NETWORK, frames))[part.name]
    simulator = build(engine.directory, "-O0")
    assert prove_part(simulator, part, inputs, tmp_path, sample=sample).layers[0].problem is None
    proof = prove_part(
        simulator, Broken(part.schedule, part.planned, part.memory_bytes), inputs, tmp_path, sample=sample
    )
    (layer,) = proof.layers
    place = layer.divergence
    assert place is not None
    assert (layer.name, place.image, place.channel) == ("stage1.0", 0, 0)
    assert str(place) == layer.problem
    expected = dict(golden.trace(frames, NETWORK))["stage1.0"]
    assert expected[0, place.channel, place.row, place.column] == place.expected != place.got


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ProofOptions(layer="stage9.0"), "there is no layer 'stage9.0': the design has stage0.0"),
        (
            ProofOptions(layers=True, scheduler="tcp://x"),
            "--scheduler: an engine's layers share one simulator",
        ),
        (ProofOptions(layers=True, fresh=True), "--fresh means nothing beside"),
    ],
)
def test_what_is_refused(engine: Design[EnginePlan], options: ProofOptions, said: str) -> None:
    with pytest.raises(InputError, match=said):
        prove(engine, options)


def test_the_whole_network_with_extremes(engine: Design[EnginePlan]) -> None:
    result = prove(engine, ProofOptions(extremes=True))
    assert result.problems == ()
    assert result.images > 8, "frames of extremes behind the image, of more than one batch"
    assert result.layers[0].reach["data"].share == 1
    assert "frames of extremes" in result.notes[-1]


def test_the_folders_image_is_looked_at_too(engine: Design[EnginePlan]) -> None:
    """A layer runs by an image of its own; that the folder's is another network's does not go unsaid."""
    conv = NETWORK.convs[1]
    weight = conv.weight.copy()
    weight[1, 0, 1, 1] ^= 64
    convs = (NETWORK.convs[0], replace(conv, weight=weight), *NETWORK.convs[2:])
    network = replace(NETWORK, convs=convs)
    plan = EnginePlan(schedule.plan_fastest(network, engine.plan.array), engine.plan.clock_mhz)
    result = prove(replace(engine, network=network, plan=plan), ProofOptions(layer="stage1.0"))
    assert not result.passed
    assert "engine.bin, byte" in result.problems[0]
