"""The constant networks of a Winograd unit, as the values that `winograd_network.sv.j2` prints.

`python -m repvgg_hw.winograd.networks SECONDS` searches each network for that long and prints `SEEDS`.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from repvgg_hw.winograd.adders import AdderGraph, compose, solve
from repvgg_hw.winograd.division import divider
from repvgg_hw.winograd.matrices import KERNEL, STRIDES, TILES, Int, Transform, cook_toom, transform
from repvgg_hw.winograd.pipeline import Pipeline, pipelined

MODULES = ("rvg_winograd_data", "rvg_winograd_output", "rvg_winograd_divide")
DIVIDER_BITS = 32  # a chain for this many result bits serves every narrower result

# (m, stride): seeds of the best runs found for B^T and A^T. Any other seed gives a correct, larger network.
SEEDS = {
    (2, 1): (0, 0),  # 4 and 4 adders, depth 1 and 2
    (2, 2): (0, 0),  # 2 and 4 adders, depth 1 and 2
    (3, 1): (0, 7),  # 9 and 10 adders, depth 2 and 3
    (3, 2): (0, 0),  # 4 and 7 adders, depth 1 and 2
    (4, 1): (0, 0),  # 13 and 12 adders, depth 2 and 3
    (4, 2): (0, 14),  # 10 and 17 adders, depth 2 and 3
    (5, 1): (13, 52),  # 21 and 24 adders, depth 4 and 4
    (5, 2): (0, 5),  # 13 and 21 adders, depth 2 and 3
    (6, 1): (196, 723),  # 27 and 25 adders, depth 4 and 4
    (6, 2): (1158, 6),  # 20 and 42 adders, depth 4 and 5
    (7, 1): (57, 85),  # 49 and 67 adders, depth 5 and 5
    (7, 2): (16, 6),  # 28 and 46 adders, depth 3 and 4
}


@dataclass(frozen=True)
class Network:
    """One module: its name, what it computes, its adders."""

    name: str
    formula: str
    graph: AdderGraph
    most_cycles: int | None = None  # that its registers may take

    @property
    def growth(self) -> tuple[int, ...]:
        """For each node, the bits that it may need beyond those of a signed input."""
        rows = self.graph.coefficients()
        sums = np.abs(rows).sum(axis=1)
        # -(-2**n) is one more than the largest input: it counts where all coefficients are negative.
        return tuple(
            (int(s) - 1 + int(row.max() <= 0)).bit_length() for s, row in zip(sums, rows, strict=True)
        )

    @cached_property
    def pipeline(self) -> Pipeline:
        """Its registers, in the accelerator that has them."""
        return pipelined(self.graph, self.most_cycles)

    def register_bits(self, in_bits: int, bits: int) -> int:
        """Bits of all of them, of a network of so many bits with inputs of in_bits."""
        growth = self.growth
        return sum(min(bits, in_bits + growth[node]) for node, _ in self.pipeline.held)


def _factored(kind: Transform) -> tuple[Int, Int]:
    """B^T of F(m, 3) as outer @ inner, through B^T of F(m - 1, 3).

    With p the point that F(m) has and F(m-1) has not, all rows of B^T but p's own are, as polynomials, rows
    of F(m-1)'s times (x - p). So the data are multiplied by (x - p) once, d'[k] = d[k+1] - p d[k].
    """
    size = kind.size
    small = cook_toom(kind.m - 1, KERNEL).data
    own = size - 2  # row of p; the last row is the point at infinity
    # Row "infinity" is the product over all points: F(m)'s is F(m-1)'s times (x - p), divided out here.
    p = -kind.data[-1, 0] // small[-1, 0] if small[-1, 0] else -kind.data[-1, 1] // small[-1, 1]
    step = np.zeros((size - 1, size), np.int64)
    lead = kind.data[-1, -1] // small[-1, -1]
    for k in range(size - 1):
        step[k, k], step[k, k + 1] = -p, lead
    outer = np.zeros((size, size + len(step)), np.int64)
    outer[:own, size:] = small[:own]
    outer[own, : size - 1] = small[-1]
    outer[-1, size:] = small[-1]
    return outer, np.concatenate([np.eye(size, dtype=np.int64), step])


def _data_graph(kind: Transform, seed: int) -> AdderGraph:
    """B^T by one run of elimination, or by its factors where that is smaller."""
    direct = solve(kind.data, (seed,))
    if kind.stride != 1 or kind.m == TILES[0]:
        return direct
    outer, inner = _factored(kind)
    factored = compose(solve(inner, (seed,)), solve(outer, (seed,)))
    return min(direct, factored, key=lambda g: (g.cost, g.depth))


def _output_graph(kind: Transform, seed: int) -> AdderGraph:
    """A^T by one run of elimination."""
    return solve(kind.output, (seed,))


@cache
def networks(m: int, stride: int) -> tuple[Network, Network, Network]:
    """The modules of F(m) at this stride: data (B^T), output (A^T), and division by odd(L)**2.

    The input transform keeps its rate if its two networks take size - 3 cycles at most.
    """
    kind = transform(m, stride)
    data_seed, output_seed = SEEDS.get((m, stride), (0, 0))
    data, output, divide = (f"{module}_m{m}_s{stride}" for module in MODULES)
    return (
        Network(data, f"B^T x, F({m}), stride {stride}", _data_graph(kind, data_seed), (kind.size - 3) // 2),
        Network(output, f"A^T x, F({m}), stride {stride}", _output_graph(kind, output_seed)),
        Network(divide, f"x / {kind.odd**2}", divider(kind.odd**2, DIVIDER_BITS)),
    )


def rendered_modules(kinds: Iterable[tuple[int, int]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(file name, template, its context without `version`) of every module for these (m, stride).

    One module per network, and per role one that selects a network by M and STRIDE: so the hand-written units
    around them are the same for all tiles.
    """
    used = sorted(set(kinds))
    if not used:
        return
    for role, name in enumerate(MODULES):
        choices = [(networks(m, stride)[role], m, stride) for m, stride in used]
        for network, _, _ in choices:
            yield (
                f"{network.name}.sv",
                "winograd_network.sv.j2",
                {"network": network, "pipeline": network.pipeline},
            )
        yield f"{name}.sv", "winograd_select.sv.j2", {"name": name, "choices": choices}


def _search(seconds: float) -> Iterator[str]:
    """Lines of `SEEDS`: the best of as many seeds as fit into the time."""
    for m, stride in itertools.product(TILES, STRIDES):
        kind, best = transform(m, stride), []
        for build in (_data_graph, _output_graph):
            deadline, runs = time.monotonic() + seconds, []
            for seed in itertools.count():
                graph = build(kind, seed)
                runs.append((graph.cost, graph.depth, seed))
                if time.monotonic() > deadline:
                    break
            best.append(min(runs))
        (cost, depth, seed), (cost_out, depth_out, seed_out) = best
        price = f"{cost} and {cost_out} adders, depth {depth} and {depth_out}"
        yield f"    ({m}, {stride}): {seed, seed_out},  # {price}"


if __name__ == "__main__":
    for line in _search(float(sys.argv[1])):
        print(line, flush=True)
