"""An engine's design: emitted, simulated whole against golden, and red where anything in it is changed."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_cases import random_frame
from engine_designs import ARRAY, NETWORK

from repvgg_hw import design as designs
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.engine.codes import HEADER_BYTES
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.engine import judge
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.engine.run import Run

PLAIN = ProofOptions()


@pytest.fixture
def built(engine: Design[EnginePlan]) -> Design[EnginePlan]:
    return engine


def images(count: int) -> np.ndarray:
    return np.stack([random_frame(NETWORK, seed) for seed in range(count)])


def prove(design: Design[EnginePlan], count: int = 2, options: ProofOptions = PLAIN) -> SimulationResult:
    return targets.get("verilog").prove(design, images(count), options)


def changed(design: Design[EnginePlan], folder: Path) -> Design[EnginePlan]:
    """A copy, its simulator included."""
    shutil.copytree(design.directory, folder, copy_function=shutil.copy2)
    return Design(folder, design.request, design.network, design.plan, {})


def test_every_write_is_goldens(built: Design[EnginePlan]) -> None:
    result = prove(built)
    assert result.problems == ()
    assert result.bit_exact == 2
    maps = [5 * 6 * 7, 6 * 6 * 7, 4 * 6 * 7, 9, 10]  # the last map by its pooled sums, then logits
    assert [layer.values for layer in result.layers] == [2 * size for size in maps]


def test_memory_that_pauses(built: Design[EnginePlan]) -> None:
    calm, paused = prove(built, 1), prove(built, 1, ProofOptions(stalls=3))
    assert paused.passed, paused.problems
    assert calm.latency_cycles is not None
    assert paused.latency_cycles is not None
    assert paused.latency_cycles > calm.latency_cycles


def test_a_flipped_weight_is_named(built: Design[EnginePlan], tmp_path: Path) -> None:
    """In the image's bytes: the file is not the network's, and the values differ from that layer on."""
    design = changed(built, tmp_path / "flipped")
    image = bytearray((design.directory / "engine.bin").read_bytes())
    at = design.plan.schedule.weight_addresses[1] + ARRAY.affine_beats * ARRAY.bw
    image[at] ^= 0x40
    (design.directory / "engine.bin").write_bytes(image)
    result = prove(design)
    assert not result.passed
    assert result.problems[0] == f"stage1.0: engine.bin, byte {at} is not the network's"
    first = next(layer for layer in result.layers if layer.problem)
    assert first.name == "stage1.0"
    assert first.divergence is not None
    assert result.bit_exact == 0, "the run ended in the first image"


def test_an_image_of_another_engine_ends_with_its_error(built: Design[EnginePlan], tmp_path: Path) -> None:
    design = changed(built, tmp_path / "foreign")
    image = bytearray((design.directory / "engine.bin").read_bytes())
    image[8] ^= 1
    (design.directory / "engine.bin").write_bytes(image)
    with pytest.raises(InputError, match="the image is for engine"):
        prove(design)


def test_another_program_is_not_run(built: Design[EnginePlan], tmp_path: Path) -> None:
    """It may do anything, and for ever."""
    design = changed(built, tmp_path / "program")
    image = bytearray((design.directory / "engine.bin").read_bytes())
    image[HEADER_BYTES + 40] ^= 1
    (design.directory / "engine.bin").write_bytes(image)
    with pytest.raises(CheckFailed, match=f"byte {HEADER_BYTES + 40} is not the network's, nor"):
        prove(design)


@pytest.mark.parametrize("what", ["cut", "longer", "pipe", "folder", "missing"])
def test_what_is_no_image_is_not_read(built: Design[EnginePlan], tmp_path: Path, what: str) -> None:
    design = changed(built, tmp_path / what)
    path = design.directory / "engine.bin"
    data = path.read_bytes()
    path.unlink()
    if what in ("cut", "longer"):
        path.touch()
        os.truncate(path, len(data) - 1 if what == "cut" else 1 << 40)
    elif what != "missing":
        os.mkfifo(path) if what == "pipe" else path.mkdir()
    with pytest.raises(InputError, match=r"engine\.bin (has|is missing or no file)"):
        prove(design)


def test_the_folder_is_read_again(built: Design[EnginePlan], tmp_path: Path) -> None:
    again = designs.load(built.directory)
    assert isinstance(again.plan, EnginePlan)
    assert again.plan.array == ARRAY
    path = changed(built, tmp_path / "edited").directory / "design.json"
    content = json.loads(path.read_text())
    content["plan"]["array"]["t_max"] = 5
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"design\.json"):
        designs.load(path.parent)


def test_pooled_sums_that_were_not_read(built: Design[EnginePlan]) -> None:
    """A run that ends well and compares fewer sums than the linear layer has to read is no proof."""
    job = Job.of(built.plan.schedule)
    assert job.sums_read == 9 * 2  # for each of two blocks of classes
    for reads, wrong in ((18, []), (17, ["the linear layer read 17 pooled sums, 18 are its work"])):
        run = Run(job, ("done 0 1 1 1 1 1", f"sums {reads}"), True, {}, 0, 1)
        assert list(judge.ends_badly(run)) == wrong


def test_images_before_a_difference(built: Design[EnginePlan]) -> None:
    """Those of which all maps and all logits were seen: a frame's logits come beside the next one's maps."""
    job = Job.of(built.plan.schedule)
    maps, logits = job.beats.values()
    for wrong, seen, exact in (
        (f"write maps {2 * maps}", (2 * maps + 1, 2 * logits), 2),
        (f"write maps {2 * maps}", (2 * maps + 1, 2 * logits - 1), 1),
        (f"write logits {2 * logits - 1}", (3 * maps, 2 * logits), 1),
        ("sum 1 0 5 6", (3 * maps, 2 * logits), 1),
        ("sum 2 0 5 6", (3 * maps, 2 * logits - 1), 1),
    ):
        run = Run(job, (wrong, "seen {} {}".format(*seen)), False, {}, 0, 3)
        assert judge.exact(run) == exact, (wrong, seen)


def test_the_memory_moves_what_the_plan_says(built: Design[EnginePlan]) -> None:
    """A plan for a wide memory was simulated at one 64-bit beat a cycle, whatever it said."""
    slow = replace(built, plan=replace(built.plan, memory_bytes=1))
    wide, narrow = prove(built, 1).latency_cycles, prove(slow, 1).latency_cycles
    assert wide is not None
    assert narrow is not None
    read = (built.directory / "engine.bin").stat().st_size - HEADER_BYTES
    assert narrow > read > wide
