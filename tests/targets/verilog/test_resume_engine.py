"""An engine's simulation that is broken off goes on behind the frames that it had proven."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from engine_cases import network_of, random_frame

from repvgg_hw.design import Design, folder
from repvgg_hw.design.proven import Proven
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.progress import silent
from repvgg_hw.targets import generate
from repvgg_hw.targets.verilog.engine import run as runs
from repvgg_hw.targets.verilog.engine import simulate as engine
from repvgg_hw.targets.verilog.engine.bench import FRAMES
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.engine.watch import Watch
from repvgg_hw.targets.verilog.simulator import verilator

NETWORK = network_of([(3, 2, 1), (4, 2, 1)], (3, 6, 6), classes=3)
ARRAY = Array(n=3, pi=2, po=1, lanes=1, t_max=6, word_depth=32, line_depth=4, out_words=16, c_max=16)
PLAN = EnginePlan(schedule.plan_fastest(NETWORK, ARRAY), 100.0)
IMAGES = np.stack([random_frame(NETWORK, seed) for seed in range(FRAMES + 2)])
RESUMED = f"resumed: {FRAMES} of {len(IMAGES)} images were already proven"


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design[EnginePlan]:
    request = parse("verilog", multipliers=64, architecture="engine")
    found = Design(tmp_path_factory.mktemp("engine") / "design", request, NETWORK, PLAN, {})
    generate.write(found)
    return found


def simulate(design: Design[EnginePlan], *, fresh: bool = False) -> SimulationResult:
    state = folder.fingerprint(design.directory)
    return engine.simulate(design, IMAGES, state=state, fresh=fresh, progress=silent)


class Ended(Exception):
    """What comes from outside: no error of ours."""


def test_goes_on_behind_whole_batches(design: Design[EnginePlan], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of a proof that has ended; --fresh begins with the first image."""
    played: list[int] = []
    real = runs.run

    def run(*arguments: object, first: int, stalls: int) -> runs.Run:
        played.append(first)
        if len(played) == 2:
            raise Ended
        return real(*arguments, first=first, stalls=stalls)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "run", run)
    for fresh, begun in ((False, [FRAMES - 1]), (True, [0, FRAMES])):
        played.clear()
        with pytest.raises(Ended):
            simulate(design)
        result = simulate(design, fresh=fresh)
        assert played == [0, FRAMES, *begun]
        assert result.passed, result.problems
        assert result.bit_exact == len(IMAGES)
        assert (RESUMED in result.notes) == (not fresh)
    played[:] = [0, 0]
    assert RESUMED not in simulate(design).notes


def test_beats_of_a_frame(design: Design[EnginePlan]) -> None:
    """By which frames are counted: those of the file that every write is compared with."""
    simulate(design)
    job = Job.of(PLAN.schedule)
    record = 4 + ARRAY.bd + -(-ARRAY.bd // 8)
    for kind, beats in job.beats.items():
        data = (design.directory / f"build/data/{kind}.bin").read_bytes()
        assert len(data) == 2 * beats * record  # the last run's two images


@pytest.mark.parametrize(
    ("beats", "log", "kept"),
    [
        ((0, 0), "", 0),
        ((0.9, 0.9), "", 0),
        ((1, 1), "", 1),
        ((2.5, 2.5), "", 2),
        ((99, 99), "", 3),
        ((2.5, 1.9), "", 1),
        ((2.5, 2.5), "write maps 1\n", 0),
    ],
)
def test_frames_that_are_kept(tmp_path: Path, beats: tuple[float, float], log: str, kept: int) -> None:
    """Those of which every beat was written, of maps and of logits; none where anything differs."""
    job, state = Job.of(PLAN.schedule), "state"
    proven = Proven(tmp_path, IMAGES, state)
    with Watch(tmp_path / "check.log", job, proven, 0, 3, silent) as watch:
        (tmp_path / "check.log").write_text(log)
        seen = [int(frames * each) for frames, each in zip(beats, job.beats.values(), strict=True)]
        (tmp_path / "check.progress").write_text(json.dumps({"seen": seen}))
    assert Proven(tmp_path, IMAGES, state).images == kept
    assert watch.ended_from_outside == (not log)


def test_one_that_was_killed_is_no_failed_design(
    design: Design[EnginePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator ends without a word: run again to go on."""
    monkeypatch.setattr(verilator, "run", lambda *_, **__: False)
    result = simulate(design)
    assert result.problems == (
        "the simulator was ended from outside, run again to go on: see build/check.out",
    )
    assert result.bit_exact == 0
