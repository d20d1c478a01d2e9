"""`simulate` of a whole network, broken off in any way, goes on behind the images that it had proven."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network

from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog import simulate
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.time_limit import TimedOut

IMAGES, DONE = 6, 4
LONG = 1500  # images that take some seconds
RESUMED = f"resumed: {DONE} of {IMAGES} images were already proven"


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    layers = [Layer(4, stride=2, pi=3, po=2), Layer(4, pi=2, po=4)]
    network, plan = random_network(layers, in_shape=(3, 6, 6), classes=3, seed=1)
    folder = tmp_path_factory.mktemp("resume")
    design = Design(folder / "design", Request("verilog", plan.budget), network, plan, {})
    write(design)
    built = CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", "1"])
    assert built.exit_code == 0, built.output  # and copies of it have the simulator, too
    return design


@pytest.fixture
def place(design: Design[Plan], tmp_path: Path) -> Path:
    """Labelled images, of this test alone."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 6, 6, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(IMAGES) % 3)
    (design.directory / "build/proven.json").unlink(missing_ok=True)
    return tmp_path


def run(design: Design[Plan], place: Path, *more: str) -> Result:
    words = ("simulate", design.directory, "--images", place / "images.npz", *more)
    return CliRunner().invoke(main, [str(word) for word in words])


class Ended(Exception):
    """What comes from outside: no error of ours."""


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames of each whole run of the simulator."""
    played: list[int] = []
    real = verilator.run_frames

    def run_frames(*arguments: Any, images: int, **options: Any) -> bool:
        played.append(images)
        return real(*arguments, images=images, **options)

    monkeypatch.setattr(verilator, "run_frames", run_frames)
    return played


def break_off(design: Design[Plan], place: Path, ending: BaseException | None, *more: str) -> Result:
    """A run that is ended behind its first DONE images, by an exception, or where None as by a kill."""
    with pytest.MonkeyPatch.context() as patch:
        real = verilator.run_frames

        def run_frames(*arguments: Any, images: int, **options: Any) -> bool:
            real(*arguments, images=min(images, DONE), **options)
            if ending is not None:
                raise ending
            log: Path = options["log"]
            kept = [line for line in log.read_text().splitlines() if line.split()[0] not in ("frames", "end")]
            log.write_text("\n".join(kept))
            return False

        patch.setattr(verilator, "run_frames", run_frames)
        return run(design, place, *more)


def without_times(result: Result) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(result.stdout)
    for layer in content["layers"]:
        layer.pop("cycles")
    return {key: value for key, value in content.items() if not key.endswith("seconds")}


@pytest.mark.parametrize("ending", [TimedOut("late"), Ended(), None], ids=repr)
def test_the_next_run_goes_on(
    design: Design[Plan], place: Path, frames: list[int], ending: BaseException | None
) -> None:
    first = break_off(design, place, ending)
    assert first.exit_code == 1
    assert ending is not None or "FAILED the simulator was ended from outside, run again" in first.stderr
    frames.clear()
    resumed = run(design, place, "--json")
    again = run(design, place, "--json")
    assert resumed.exit_code == again.exit_code == 0, resumed.output
    assert frames == [IMAGES - DONE + 1, IMAGES], "the last proven image leads in; what has ended is run anew"
    found, whole = without_times(resumed), without_times(again)
    assert found.pop("notes") == [RESUMED]
    assert whole.pop("notes") == []
    assert found == whole
    assert found["top1_simulated"] is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--extremes",), f"resumed: {DONE} of "), (("--stalls", "3"), "resumed: 6 of 6 images")],  # in any turn
    ids=["extremes", "stalls"],
)
def test_options_belong_to_the_proof(
    design: Design[Plan], place: Path, options: tuple[str, ...], said: str
) -> None:
    """What was proven under them counts under them alone."""
    break_off(design, place, Ended(), *options)
    resumed = run(design, place, *options)
    assert resumed.exit_code == 0, resumed.output
    assert said in resumed.output
    break_off(design, place, Ended(), *options)
    plain = run(design, place)
    assert plain.exit_code == 0, plain.output
    assert "resumed" not in plain.output


def table(design: Design[Plan], place: Path) -> None:
    path = sorted((design.directory / "mem").iterdir())[0]
    path.write_text(path.read_text().translate(str.maketrans("0123456789abcdef", "1032547698badcfe")))


def network(design: Design[Plan], place: Path) -> None:
    with np.load(design.directory / "network.npz") as archive:
        np.savez_compressed(design.directory / "network.npz", **dict(archive))


def an_image(design: Design[Plan], place: Path) -> None:
    with np.load(place / "images.npz") as archive:
        arrays = dict(archive)
    arrays["images"][0, 0, 0, 0] ^= 128
    np.savez(place / "images.npz", **arrays)


def damage(design: Design[Plan], place: Path) -> None:
    path = design.directory / "build/proven.json"
    path.write_text(path.read_text()[:-9])


def nothing(design: Design[Plan], place: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (table, ()),
        (damage, ()),
        (nothing, ("--fresh",)),
        (nothing, ("--waves",)),  # its cycles are those of a run from the beginning
        *(
            pytest.param(*other, marks=pytest.mark.slow)
            for other in [(network, ()), (an_image, ()), (nothing, ("--limit", "5"))]
        ),
    ],
)
def test_another_proof_is_begun_anew(
    design: Design[Plan],
    place: Path,
    frames: list[int],
    change: Callable[[Design[Plan], Path], None],
    options: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build = verilator.build

    def untraced(*arguments: Any, trace: bool = False, **options: Any) -> bool:
        if trace:
            raise Ended
        return build(*arguments, **options)

    monkeypatch.setattr(verilator, "build", untraced)
    copy = Design(place / "design", design.request, design.network, design.plan, {})
    shutil.copytree(design.directory, copy.directory)
    break_off(copy, place, Ended())
    change(copy, place)
    frames.clear()
    result = run(copy, place, *options)
    assert frames[0] == (5 if "--limit" in options else IMAGES)
    assert "resumed" not in result.output
    assert result.exit_code == (1 if change is table or "--waves" in options else 0), result.output


def test_what_differs_is_named_by_its_image_and_nothing_is_kept(
    design: Design[Plan], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vectors = simulate.write_vectors

    def wrong(*arguments: Any) -> Any:
        """The last image's last value is another than golden's."""
        outputs = write_vectors(*arguments)
        path = arguments[-1] / "linear.bin"
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        return outputs

    break_off(design, place, Ended())
    monkeypatch.setattr(simulate, "write_vectors", wrong)
    result = run(design, place, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert found["notes"] == [RESUMED]
    assert found["bit_exact"] == IMAGES - 1
    assert found["problems"][0].startswith(f"linear: image {IMAGES - 1}, ")
    assert found["layers"][-1]["bad_frames"] == [IMAGES - 1]
    monkeypatch.undo()
    assert "resumed" not in run(design, place).output


def test_once_something_differed_nothing_counts(design: Design[Plan], place: Path) -> None:
    """Broken off behind a difference in its third image: the two before are proven again."""
    write_vectors = simulate.write_vectors

    def wrong(*arguments: Any) -> Any:
        outputs = write_vectors(*arguments)
        path = arguments[-1] / "linear.bin"
        data = bytearray(path.read_bytes())
        data[2 * len(data) // IMAGES] ^= 1
        path.write_bytes(data)
        return outputs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "write_vectors", wrong)
        assert isinstance(break_off(design, place, Ended()).exception, SystemExit)
    assert not (design.directory / "build/proven.json").exists()


KILLED = """
import functools, sys
from repvgg_hw.targets.verilog.simulator import verilator
verilator.build = functools.partial(verilator.build, optimize="-O0")
from repvgg_hw.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_killed_after_its_first_images(design: Design[Plan], place: Path, ending: signal.Signals) -> None:
    """The process itself, ended at any time: what it had proven stands in the folder, whole."""
    words = ["simulate", str(design.directory), "--limit", str(LONG)]
    kept = design.directory / "build/proven.json"
    with subprocess.Popen([sys.executable, "-c", KILLED, *words], stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 120
        while not kept.is_file() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(process.pid, ending)
    proven = json.loads(kept.read_text())["proven"]
    assert 0 < proven < LONG
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert f"resumed: {proven} of {LONG} images were already proven" in result.output
