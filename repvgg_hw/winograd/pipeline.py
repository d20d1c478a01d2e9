"""Where registers cut a constant network: behind every adder of its longest path, or every few.

An adder may work in any cycle from the first in which its operands are there to the last in which its sum is
still in time; either all work as soon, or all as late as they can, whichever needs fewer registers.
"""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.winograd.adders import Adder, AdderGraph


@dataclass(frozen=True)
class Pipeline:
    """The cycle of every node of a graph, 0 with its inputs; its outputs are there in cycle `cycles`."""

    cycles: int
    at: tuple[int, ...]  # for each node, inputs first
    held: tuple[tuple[int, int], ...]  # registers: (node, the cycle that it is kept for)


def _levels(graph: AdderGraph) -> list[int]:
    """For each node, the adders on the longest path up to it, its own counted."""
    level = [0] * graph.inputs
    for adder in graph.adders:
        level.append(1 + max(level[adder.a[0]], level[adder.b[0]]))
    return level


def _heights(graph: AdderGraph) -> list[int]:
    """For each node, the adders on the longest path behind it."""
    height = [0] * (graph.inputs + len(graph.adders))
    for node in reversed(range(graph.inputs, len(height))):
        for operand in _operands(graph.adders[node - graph.inputs]):
            height[operand] = max(height[operand], height[node] + 1)
    return height


def _operands(adder: Adder) -> tuple[int, int]:
    return adder.a[0], adder.b[0]


def _placed(graph: AdderGraph, cycles: int, adders_at: list[int]) -> Pipeline:
    """With the adders in these cycles: each value is kept until the last that needs it."""
    at = [0] * graph.inputs + adders_at
    last = list(at)
    for cycle, adder in zip(adders_at, graph.adders, strict=True):
        for operand in _operands(adder):
            last[operand] = max(last[operand], cycle)
    for term in graph.outputs:
        if term is not None:
            last[term[0]] = cycles
    held = ((node, cycle) for node in range(len(at)) for cycle in range(at[node] + 1, last[node] + 1))
    return Pipeline(cycles, tuple(at), tuple(held))


def combinational(graph: AdderGraph) -> Pipeline:
    """No register: everything in one cycle."""
    return _placed(graph, 0, [0] * len(graph.adders))


def pipelined(graph: AdderGraph, most_cycles: int | None = None) -> Pipeline:
    """As few adders between two registers as so many cycles allow; the outputs themselves have none."""
    longest = max(0, graph.depth - 1)
    series = 1 if most_cycles is None else longest // (most_cycles + 1) + 1
    cycles = longest // series
    soon = [(level - 1) // series for level in _levels(graph)[graph.inputs :]]
    late = [cycles - height // series for height in _heights(graph)[graph.inputs :]]
    return min((_placed(graph, cycles, at) for at in (soon, late)), key=lambda pipeline: len(pipeline.held))
