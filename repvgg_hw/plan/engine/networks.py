"""The engine's constant networks: one for each stride, and a choice between them.

rvg_engine_data_network    B^T x      rvg_engine_output_network  A^T x
rvg_engine_weight_network  G x        rvg_engine_divide_network  x / odd(L)**2 modulo 2**W
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from repvgg_hw.plan.engine.kinds import kind_of
from repvgg_hw.winograd.adders import solve
from repvgg_hw.winograd.division import divider
from repvgg_hw.winograd.matrices import KERNEL, STRIDES, Transform
from repvgg_hw.winograd.networks import DIVIDER_BITS, Network, networks

ROLES = {
    "data": "B^T x",
    "weight": "G x",
    "output": "A^T x",
    "divide": "x / odd(L)^2 modulo 2^W",
}


@dataclass(frozen=True)
class Choice:
    """rvg_engine_ROLE_network: the network of stride 1 or of 2, and lanes of zeros where that has fewer."""

    role: str
    n: int
    stride1: Network
    stride2: Network

    @property
    def name(self) -> str:
        return f"rvg_engine_{self.role}_network"

    @property
    def formula(self) -> str:
        return ROLES[self.role]

    @property
    def inputs(self) -> int:
        return self.stride1.graph.inputs

    @property
    def outputs(self) -> int:
        return len(self.stride1.graph.outputs)

    @property
    def outputs2(self) -> int:
        """Lanes that stride 2 uses."""
        return len(self.stride2.graph.outputs)


def _weight_network(kind: Transform) -> Network:
    """G, 3 -> n."""
    name = f"rvg_winograd_weight_m{kind.m}_s{kind.stride}"
    return Network(name, f"G x, F({kind.m}), stride {kind.stride}", solve(kind.weight))


def _direct_networks(kind: Transform) -> tuple[Network, Network, Network]:
    """Of n = 3, where `winograd.networks` has none: wires, a sum, and the division by one."""
    suffix = f"m{kind.m}_s{kind.stride}"
    of = f"direct convolution, stride {kind.stride}"
    return (
        Network(f"rvg_winograd_data_{suffix}", f"x, {of}", solve(kind.data, (0,))),
        Network(f"rvg_winograd_output_{suffix}", f"sum of x, {of}", solve(kind.output, (0,))),
        Network(f"rvg_winograd_divide_{suffix}", "x / 1", divider(1, DIVIDER_BITS)),
    )


@cache
def choices(n: int) -> tuple[Choice, ...]:
    """The four modules of n x n positions, in the order of ROLES. Raises InputError as kind_of."""
    by_stride = []
    for stride in STRIDES:
        kind = kind_of(n, stride)
        found = networks(kind.m, stride) if n > KERNEL else _direct_networks(kind)
        data, output, divide = found
        by_stride.append((data, _weight_network(kind), output, divide))
    return tuple(
        Choice(role, n, stride1, stride2) for role, stride1, stride2 in zip(ROLES, *by_stride, strict=True)
    )
