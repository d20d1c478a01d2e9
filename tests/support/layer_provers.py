"""Layers' proofs that are made up, and counted, for tests of who is proven and when."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from repvgg_hw.design import Design
from repvgg_hw.design.results import LayerResult
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.layers.state import LayerProof
from repvgg_hw.targets.verilog.layers.task import LayerTask

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
    """Stands for `prove_layer`: knows in advance which layers fail, and in which its process is killed."""

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


def state_file(design: Design[Plan]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((design.directory / "build" / "layers" / "state.json").read_text())
    return content


def names(layers: list[dict[str, Any]]) -> list[str]:
    return [layer["name"] for layer in layers]
