"""Layer by layer, without a simulator: what is handed out, what is remembered, where a broken run goes on.

`prove` itself, on real simulators, is tested through the command (test_simulate, test_scheduler).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_provers import LAYERS, Prover, names, state_file
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.layers import layerwise
from repvgg_hw.targets.verilog.layers.state import LayerProof
from repvgg_hw.targets.verilog.layers.task import LayerTask, make_tasks, prove_layer
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.time_limit import patience


def test_every_layer_once_and_in_the_networks_order(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    result = layerwise.prove_layers(design, images)
    assert result.passed
    assert prover.calls() == LAYERS
    assert [layer.name for layer in result.layers] == LAYERS
    assert [layer.values for layer in result.layers] == [2 * 4 * 9, 2 * 4 * 9, 2 * 2 * 9, 2 * 2, 2 * 3]
    assert result.build_seconds == 1.5 * len(LAYERS)


def test_what_ended_well_beside_a_killed_process_is_kept(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    """All futures are done at once here: those that ended well must be read before the error ends the run."""
    prover.killed = {"stage0.0"}
    with pytest.raises(CheckFailed, match=r"stage0\.0"):
        layerwise.prove_layers(design, images)
    assert state_file(design)["open"] == ["stage0.0"]


def test_a_named_layer_is_always_proven_and_can_lose_its_pass(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    assert layerwise.prove_layers(design, images).passed
    prover.calls()
    prover.failing = {"pool"}
    result = layerwise.prove_layers(design, images, names=["pool"])
    assert [layer.name for layer in result.layers] == prover.calls() == ["pool"]
    assert not result.passed
    assert names(state_file(design)["failed"]) == ["pool"]
    assert not layerwise.prove_layers(design, images).passed
    assert prover.calls() == ["pool"]


def test_waves_are_recorded_of_layers_that_have_passed(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    layerwise.prove_layers(design, images)
    prover.calls()
    layerwise.prove_layers(design, images, waves_window=(0, 10))
    assert prover.calls() == LAYERS


def test_progress_says_cycles_and_layers(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    said: list[tuple[float | None, str]] = []
    two = LAYERS[:2]
    layerwise.prove_layers(design, images, names=two, progress=lambda share, what: said.append((share, what)))
    total = sum(task.cycles for task in make_tasks(design, images, LAYERS[:2], 0, None, None))
    assert said[-1] == (0.999, f"cycle {total:,} of {total:,}, 2/2 layers finished, stage1.0 passed")


def test_progress_of_a_layer_that_is_running(
    design: Design[Plan], images: NDArray[np.int8], tmp_path: Path
) -> None:
    (task,) = make_tasks(design, images, ["stage1.0"], 0, None, tmp_path)
    assert layerwise.cycles_done(task) == 0
    (tmp_path / "stage1_0").mkdir()
    progress = tmp_path / "stage1_0" / "check.progress"
    for text, cycles in (("", 0), ('{"cycle": 5, "layers_done": 0}', 5), ('{"cycle": 999999}', task.cycles)):
        progress.write_text(text)
        assert layerwise.cycles_done(task) == cycles


def test_tasks_carry_goldens_values_and_the_tables_on_disk(
    design: Design[Plan], images: NDArray[np.int8]
) -> None:
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


def test_unknown_layer(design: Design[Plan], images: NDArray[np.int8]) -> None:
    with pytest.raises(InputError, match=r"there is no layer 'stage9\.9': the design has stage0\.0, "):
        make_tasks(design, images, ["stage9.9"], 0, None, None)


def die(task: LayerTask) -> LayerProof:
    """As the kernel does where memory runs out."""
    os._exit(9)


def test_a_dying_local_process_is_one_line(
    design: Design[Plan], images: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layerwise, "prove_layer", die)
    with pytest.raises(CheckFailed, match=r"its process ended badly.*run again to go on"):
        layerwise.prove_layers(design, images, jobs=1)


def test_tasks_not_begun_are_cancelled_after_an_error(design: Design[Plan], images: NDArray[np.int8]) -> None:
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
    design: Design[Plan], images: NDArray[np.int8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process that never ends, in the place of the compiled simulator."""

    def build(sources: list[Path], top: str, directory: Path, **options: object) -> bool:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / top).write_text("#!/bin/sh\nexec sleep 600\n")
        (directory / top).chmod(0o755)
        return True

    monkeypatch.setattr(verilator, "build", build)
    (task,) = make_tasks(design, images, ["stage1.0"], 0, None, tmp_path, timeout=0.5)
    proof = prove_layer(task)
    assert proof.layer.problem is not None
    assert proof.layer.problem.startswith(
        "stage1.0: the simulation had not ended after 0.5 s and was stopped"
    )
    assert not proof.layer.passed
    assert 0.5 <= proof.run_seconds < 60


def test_the_time_limit_follows_the_planned_cycles(design: Design[Plan], images: NDArray[np.int8]) -> None:
    for task in make_tasks(design, images, None, 0, None, None):
        assert task.seconds == patience(2 * task.planned_cycles)
        assert task.seconds >= 1800
