"""C simulation that is broken off goes on behind the batches of images that it had proven."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hls_networks import Layer, random_images, random_network
from hls_projects import QUICK
from numpy.typing import NDArray

from repvgg_hw.design import Design, folder
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.hls import simulate
from repvgg_hw.targets.hls.csim import BUILD, run_bench
from repvgg_hw.targets.hls.judge import read_trace
from repvgg_hw.targets.hls.simulate import FRAMES_PER_CALL, simulate_project

IMAGES, DONE = 8, 2 * FRAMES_PER_CALL
RESUMED = (f"resumed: {DONE} of {IMAGES} images were already proven",)


class Ended(Exception):
    """What comes from outside: no error of ours."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    network, plan = random_network([Layer(4, stride=2, po=2), Layer(2, pi=2)], in_shape=(3, 6, 6), classes=3)
    place = tmp_path_factory.mktemp("resume") / "design"
    design = Design(place, Request("hls", plan.budget), network, plan, {})
    write(design)
    prove(design, random_images(network, 1))
    return design


@pytest.fixture
def design(built: Design[Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Design[Plan]:
    """A copy, compiled; batches are as small as they can be."""
    monkeypatch.setattr(simulate, "BATCH_VALUES", 1)
    shutil.copytree(built.directory, tmp_path / "design")
    return replace(built, directory=tmp_path / "design")


def prove(design: Design[Plan], images: NDArray[np.int8], **options: Any) -> SimulationResult:
    state = folder.fingerprint(design.directory)
    labels = np.arange(len(images)) % 3
    return simulate_project(design, images, labels=labels, flags=QUICK, state=state, **options)


def without_times(result: SimulationResult) -> SimulationResult:
    return replace(result, build_seconds=0, run_seconds=0)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs of the bench; of the third one there is none where an `Ended` is in the list."""
    seen: list[str] = []

    def counted(*arguments: Any) -> str:
        if seen[:1] == ["end"] and len(seen) == 3:
            raise Ended
        seen.append("run")
        return run_bench(*arguments)

    monkeypatch.setattr(simulate, "run_bench", counted)
    return seen


def broken_off(design: Design[Plan], images: NDArray[np.int8], runs: list[str]) -> None:
    runs[:] = ["end"]
    with pytest.raises(Ended):
        prove(design, images)
    runs.clear()


def test_the_next_run_goes_on(design: Design[Plan], runs: list[str]) -> None:
    images = random_images(design.network, IMAGES)
    broken_off(design, images, runs)
    resumed = prove(design, images)
    assert len(runs) == 1
    whole = prove(design, images)
    assert len(runs) == 1 + 3, "what has ended is run anew"
    assert resumed.notes == RESUMED
    assert whole.notes == ()
    assert whole.passed
    assert without_times(replace(resumed, notes=())) == without_times(whole)


@pytest.mark.parametrize("what", ["table", "image", "count", "fresh", "damaged", "another version's"])
def test_another_proof_is_begun_anew(design: Design[Plan], runs: list[str], what: str) -> None:
    images = random_images(design.network, IMAGES)
    broken_off(design, images, runs)
    kept = design.directory / BUILD / "proven.json"
    if what == "table":
        path = next((design.directory / "src").rglob("*bias*"))
        path.write_text(path.read_text().translate(str.maketrans("0123456789", "1032547698")))
    elif what == "image":
        images[0, 0, 0, 0] ^= 1
    elif what == "damaged":
        kept.write_text(kept.read_text()[:-9])
    elif what == "another version's":
        kept.write_text(kept.read_text().replace('"loops"', '"loop"'))
    result = prove(design, images[:7] if what == "count" else images, fresh=what == "fresh")
    assert len(runs) == (1 if what == "table" else 3)  # with a wrong table it ends behind the first
    assert result.notes == ()
    assert result.passed == (what != "table")


def test_a_difference_is_named_by_its_image(
    design: Design[Plan], runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value of the last image is made another than golden's."""
    images = random_images(design.network, IMAGES)
    broken_off(design, images, runs)

    def another(path: Path) -> Any:
        values = read_trace(path)
        if path.name == "m_axis.dat":
            values[-1] ^= 1
        return values

    monkeypatch.setattr(simulate, "read_trace", another)
    result = prove(design, images)
    assert result.problems[0].startswith(f"linear: image {IMAGES - 1}, ")
    assert (result.bit_exact, result.notes) == (IMAGES - 1, RESUMED)
    monkeypatch.setattr(simulate, "read_trace", read_trace)
    assert prove(design, images).notes == (), "of a run in which something differs nothing is kept"
