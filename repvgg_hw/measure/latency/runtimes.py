"""Ways to run a torch module: eager, channels_last, torch.compile, a CUDA graph, and their combinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from repvgg_hw.errors import InputError

PARTS = ("eager", "channels_last", "compile", "graph")
CPU_DEFAULT = ("eager", "channels_last")
CUDA_DEFAULT = ("eager", "channels_last", "channels_last+compile", "channels_last+compile+graph")

Call = Callable[[int], object]  # runs the network on input number i, modulo their count


class NotPossible(Exception):
    """This combination does not exist on this device; the message, which the survey notes, says why."""


def parts_of(runtime: str) -> tuple[str, ...]:
    """ "channels_last+graph" -> its parts. Raises InputError for an unknown one."""
    parts = tuple(runtime.split("+"))
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise InputError(f"unknown runtime {unknown[0]!r}; join any of {', '.join(PARTS)} by +")
    return parts


def memory_format(runtime: str) -> torch.memory_format:
    """How inputs and weights lie in memory."""
    return torch.channels_last if "channels_last" in parts_of(runtime) else torch.contiguous_format


def prepare(model: nn.Module, inputs: Sequence[Tensor], runtime: str) -> Call:
    """A call that runs model on inputs[i]. Raises NotPossible where the device cannot.

    A graph's call includes the copy of the input into the graph's own buffer: every user of a graph pays it.
    """
    parts = parts_of(runtime)
    if "graph" in parts and inputs[0].device.type != "cuda":
        raise NotPossible("CUDA graphs need a CUDA device")
    model = model.to(memory_format=memory_format(runtime))  # type: ignore[call-overload]  # not among torch's overloads
    forward: Callable[[Tensor], Tensor] = model
    if "compile" in parts:
        torch.compiler.reset()  # else the compiler counts all models as one and gives up after a few
        forward = torch.compile(model, dynamic=False)
    if "graph" in parts:
        return _graph(forward, inputs)
    return lambda i: forward(inputs[i % len(inputs)])


def capture(launch: Callable[[], object]) -> torch.cuda.CUDAGraph:
    """Capture what launch() puts on the GPU, after warming it up on a side stream as torch demands."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch gives it no types
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            launch()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        launch()
    return graph


def _graph(forward: Callable[[Tensor], Tensor], inputs: Sequence[Tensor]) -> Call:
    buffer = inputs[0].clone()  # keeps the memory format
    graph = capture(lambda: forward(buffer))

    def call(i: int) -> None:
        buffer.copy_(inputs[i % len(inputs)])
        graph.replay()

    return call
