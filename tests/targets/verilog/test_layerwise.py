"""Layer by layer, without a simulator: what is handed out, what is remembered, where a broken run goes on.

`prove` itself, on real simulators, is tested through the command (test_simulate, test_scheduler).
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hls_networks import Layer, random_images, random_network
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import LayerResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.request import Request
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.layers import layerwise
from repvgg_hw.targets.verilog.layers.state import LayerProof, State
from repvgg_hw.targets.verilog.layers.task import LayerTask, make_tasks, prove
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.time_limit import patience

LAYERS = ["stage0.0", "stage1.0", "stage2.0", "pool", "linear"]


class InOrder(Executor):
    """The interface and no more: one task at a time, each copied there and back as between machines."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        arguments = pickle.loads(pickle.dumps((args, kwargs)))
        try:
            future.set_result(pickle.loads(pickle.dumps(fn(*arguments[0], **arguments[1]))))
        except Exception as error:
            future.set_exception(error)
        return future


class Prover:
    """Stands for `prove`: knows in advance which layers fail, and in which its process is killed."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing: set[str] = set()
        self.killed: set[str] = set()

    def __call__(self, task: LayerTask) -> LayerProof:
        self.asked.append(task.name)
        if task.name in self.killed:
            raise MemoryError("killed")
        problem = f"{task.name}: expected 1, got 2" if task.name in self.failing else None
        return LayerProof(LayerResult(task.name, task.expected.size, task.planned_cycles, problem), 1.5, 2.5)

    def calls(self) -> list[str]:
        """The layers asked for since the last call of this."""
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def prover(monkeypatch: pytest.MonkeyPatch) -> Prover:
    @contextlib.contextmanager
    def executor(scheduler: str | None, jobs: int) -> Iterator[Executor]:
        yield InOrder()

    prover = Prover()
    monkeypatch.setattr(layerwise, "prove", prover)
    monkeypatch.setattr(layerwise, "executor", executor)
    return prover


@pytest.fixture
def design(tmp_path: Path) -> Design:
    layers = [Layer(4, stride=2, pi=3, po=2), Layer(4, pi=2, po=4), Layer(2)]
    network, plan = random_network(layers, in_shape=(3, 6, 6), classes=3, seed=1)
    design = Design(tmp_path / "design", Request("verilog"), network, plan, {})
    emit.emit(design)
    return design


@pytest.fixture
def images(design: Design) -> NDArray[np.int8]:
    return random_images(design.network, 2)


def state_file(design: Design) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((design.directory / "build" / "layers" / "state.json").read_text())
    return content


def names(layers: list[dict[str, Any]]) -> list[str]:
    return [layer["name"] for layer in layers]


def test_every_layer_once_and_in_the_networks_order(
    design: Design, images: NDArray[np.int8], prover: Prover
) -> None:
    result = layerwise.simulate(design, images)
    assert result.passed
    assert prover.calls() == LAYERS
    assert [layer.name for layer in result.layers] == LAYERS
    assert [layer.values for layer in result.layers] == [2 * 4 * 9, 2 * 4 * 9, 2 * 2 * 9, 2 * 2, 2 * 3]
    assert result.build_seconds == 1.5 * len(LAYERS)


def test_a_killed_run_leaves_a_readable_state_and_goes_on_where_it_ended(
    design: Design, images: NDArray[np.int8], prover: Prover, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = State.record

    def record_until_killed(state: State, proof: LayerProof) -> None:
        if proof.layer.name == "stage2.0":
            raise KeyboardInterrupt
        record(state, proof)

    monkeypatch.setattr(State, "record", record_until_killed)
    with pytest.raises(KeyboardInterrupt):
        layerwise.simulate(design, images)
    monkeypatch.setattr(State, "record", record)
    left = state_file(design)
    assert (left["images"], left["stalls"], left["failed"]) == (2, 0, [])
    assert names(left["passed"]) == LAYERS[:2]
    assert left["open"] == LAYERS[2:]
    assert left["seconds"] == {name: [1.5, 2.5] for name in LAYERS[:2]}
    prover.calls()
    result = layerwise.simulate(design, images)
    assert result.passed
    assert prover.calls() == LAYERS[2:]
    assert [layer.name for layer in result.layers] == LAYERS
    assert result.notes == ("2 layers had passed in an earlier run",)
    assert state_file(design)["open"] == []
    assert layerwise.simulate(design, images).passed
    assert prover.calls() == []


def test_what_ended_well_beside_a_killed_process_is_kept(
    design: Design, images: NDArray[np.int8], prover: Prover
) -> None:
    """All futures are done at once here: those that ended well must be read before the error ends the run."""
    prover.killed = {"stage0.0"}
    with pytest.raises(CheckFailed, match=r"stage0\.0"):
        layerwise.simulate(design, images)
    assert state_file(design)["open"] == ["stage0.0"]


def test_a_failing_layer_is_recorded_and_proven_again(
    design: Design, images: NDArray[np.int8], prover: Prover
) -> None:
    prover.failing = {"stage1.0"}
    result = layerwise.simulate(design, images)
    assert result.problems == ("stage1.0: expected 1, got 2",)
    left = state_file(design)
    assert names(left["failed"]) == ["stage1.0"]
    assert left["failed"][0]["problem"] == "stage1.0: expected 1, got 2"
    assert names(left["passed"]) == [name for name in LAYERS if name != "stage1.0"]
    assert prover.calls() == LAYERS
    assert not layerwise.simulate(design, images).passed, "a failure must not turn green by waiting"
    assert prover.calls() == ["stage1.0"]
    prover.failing = set()
    assert layerwise.simulate(design, images).passed
    assert state_file(design)["failed"] == []


def test_a_named_layer_is_always_proven_and_can_lose_its_pass(
    design: Design, images: NDArray[np.int8], prover: Prover
) -> None:
    assert layerwise.simulate(design, images).passed
    prover.calls()
    prover.failing = {"pool"}
    result = layerwise.simulate(design, images, names=["pool"])
    assert [layer.name for layer in result.layers] == prover.calls() == ["pool"]
    assert not result.passed
    assert names(state_file(design)["failed"]) == ["pool"]
    assert not layerwise.simulate(design, images).passed
    assert prover.calls() == ["pool"]


def test_waves_are_recorded_of_layers_that_have_passed(
    design: Design, images: NDArray[np.int8], prover: Prover
) -> None:
    layerwise.simulate(design, images)
    prover.calls()
    layerwise.simulate(design, images, waves_window=(0, 10))
    assert prover.calls() == LAYERS


def change_weights(design: Design) -> None:
    path = design.directory / "mem" / "stage1_0_weights.mem"
    path.write_text(path.read_text().translate(str.maketrans("0123456789abcdef", "1032547698badcfe")))


def change_rtl(design: Design) -> None:
    path = design.directory / "rtl" / "rvg_requant_relu.sv"
    path.write_text(path.read_text() + "// another\n")


@pytest.mark.parametrize("change", [change_weights, change_rtl])
def test_the_state_of_another_design_is_not_used(
    design: Design, images: NDArray[np.int8], prover: Prover, change: Callable[[Design], None]
) -> None:
    layerwise.simulate(design, images)
    prover.calls()
    change(design)
    layerwise.simulate(design, images)
    assert prover.calls() == LAYERS


def test_the_state_of_other_images_or_stalls_is_not_used(
    design: Design, images: NDArray[np.int8], prover: Prover
) -> None:
    layerwise.simulate(design, images)
    other = images.copy()
    other[1, 0, 0, 0] ^= 1
    for arguments in ({"images": other}, {"images": images[:1]}, {"images": images, "stalls": 7}):
        prover.calls()
        layerwise.simulate(design, **{"stalls": 0, **arguments})  # type: ignore[arg-type]
        assert prover.calls() == LAYERS, arguments.keys()


@pytest.mark.parametrize(
    "text", ["", '{"fingerprint": ', "[]", "null", '{"fingerprint": "%s", "passed": [1]}']
)
def test_a_state_that_cannot_be_read_is_no_state(
    design: Design, images: NDArray[np.int8], prover: Prover, text: str
) -> None:
    state = State(design, images, 0)
    state.path.parent.mkdir(parents=True)
    state.path.write_text(text.replace("%s", str(state.about["fingerprint"])))
    assert layerwise.simulate(design, images).passed
    assert prover.calls() == LAYERS


def test_progress_says_cycles_and_layers(design: Design, images: NDArray[np.int8], prover: Prover) -> None:
    said: list[tuple[float, str]] = []
    two = LAYERS[:2]
    layerwise.simulate(design, images, names=two, progress=lambda share, what: said.append((share, what)))
    total = sum(task.cycles for task in make_tasks(design, images, LAYERS[:2], 0, None, None))
    assert said[-1] == (0.999, f"cycle {total:,} of {total:,}, 2/2 layers finished, stage1.0 passed")


def test_progress_of_a_layer_that_is_running(
    design: Design, images: NDArray[np.int8], tmp_path: Path
) -> None:
    (task,) = make_tasks(design, images, ["stage1.0"], 0, None, tmp_path)
    assert layerwise.cycles_done(task) == 0
    (tmp_path / "stage1_0").mkdir()
    progress = tmp_path / "stage1_0" / "check.progress"
    for text, cycles in (("", 0), ('{"cycle": 5, "layers_done": 0}', 5), ('{"cycle": 999999}', task.cycles)):
        progress.write_text(text)
        assert layerwise.cycles_done(task) == cycles


def test_tasks_carry_goldens_values_and_the_tables_on_disk(design: Design, images: NDArray[np.int8]) -> None:
    tasks = make_tasks(design, images, None, 0, None, None)
    values: NDArray[np.integer] = images
    for task, (name, expected) in zip(tasks, golden.trace(images, design.network), strict=True):
        assert task.name == name
        np.testing.assert_array_equal(task.inputs, values)
        np.testing.assert_array_equal(task.expected, expected)
        values = expected
    on_disk = {path.read_text() for path in (design.directory / "mem").iterdir()}
    assert {text for task in tasks for text in task.tables.values()} == on_disk
    assert not any("stage" in file for task in tasks for file in task.tables), "alike layers must look alike"


def test_unknown_layer(design: Design, images: NDArray[np.int8]) -> None:
    with pytest.raises(InputError, match=r"there is no layer 'stage9\.9': the design has stage0\.0, "):
        make_tasks(design, images, ["stage9.9"], 0, None, None)


def die(task: LayerTask) -> LayerProof:
    """As the kernel does where memory runs out."""
    os._exit(9)


def test_a_dying_local_process_is_one_line(
    design: Design, images: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layerwise, "prove", die)
    with pytest.raises(CheckFailed, match=r"its process ended badly.*run again to go on"):
        layerwise.simulate(design, images, jobs=1)


def test_tasks_not_begun_are_cancelled_after_an_error(design: Design, images: NDArray[np.int8]) -> None:
    class Never(Executor):
        """The first task fails, the others wait for ever."""

        def __init__(self) -> None:
            self.futures: list[Future[Any]] = []

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.futures.append(Future())
            return self.futures[-1]

    pool = Never()
    tasks = make_tasks(design, images, None, 0, None, None)
    proofs = layerwise.proofs(
        pool, tasks, 0, lambda share, what: pool.futures[0].set_exception(OSError("gone"))
    )
    with pytest.raises(CheckFailed, match="OSError: gone"):
        list(proofs)
    assert all(future.cancelled() for future in pool.futures[1:])


def test_a_hung_layer_fails_and_the_others_go_on(
    design: Design, images: NDArray[np.int8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process that never ends, in the place of the compiled simulator."""

    def build(sources: list[Path], top: str, directory: Path, **options: object) -> bool:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / top).write_text("#!/bin/sh\nexec sleep 600\n")
        (directory / top).chmod(0o755)
        return True

    monkeypatch.setattr(verilator, "build", build)
    (task,) = make_tasks(design, images, ["stage1.0"], 0, None, tmp_path, timeout=0.5)
    proof = prove(task)
    assert proof.layer.problem is not None
    assert proof.layer.problem.startswith(
        "stage1.0: the simulation had not ended after 0.5 s and was stopped"
    )
    assert not proof.layer.passed
    assert 0.5 <= proof.run_seconds < 60


def test_the_time_limit_follows_the_planned_cycles(design: Design, images: NDArray[np.int8]) -> None:
    for task in make_tasks(design, images, None, 0, None, None):
        assert task.seconds == patience(2 * task.planned_cycles)
        assert task.seconds >= 1800
