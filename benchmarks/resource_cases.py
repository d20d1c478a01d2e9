"""The small designs on which estimates of resources are fitted and checked: a layer each, or one and a head.

`FIT` gives the coefficients; `CHECK` has other shapes and foldings, which no fit has seen.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from repvgg_hw.design import Design
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, IntegerConv, IntegerLinear, IntegerNetwork
from repvgg_hw.plan.folding import Folding
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.search import make_plan
from repvgg_hw.targets.verilog import emit


@dataclass(frozen=True)
class Case:
    """One 3x3 layer on a square map, folded by pi and po; by F(m) where m is given, with a head or not."""

    name: str
    c_in: int
    size: int
    c_out: int
    stride: int = 1
    groups: int = 1
    pi: int = 1
    po: int = 1
    m: int | None = None
    classes: int = 0
    head: tuple[int, int] = (1, 1)  # PI and PO of the linear layer

    def build(self) -> tuple[IntegerNetwork, Plan]:
        """The network, with random weights that fill their widths, and its plan."""
        rng = np.random.default_rng(len(self.name) + 1000 * self.c_in + self.c_out)
        shape = (self.c_out, self.c_in // self.groups, 3, 3)
        conv = IntegerConv(
            name="stage0",
            weight=rng.integers(-127, 128, shape).astype(np.int8),
            bias=rng.integers(-9000, 9000, self.c_out).astype(np.int32),
            multiplier=rng.integers(1 << 15, 1 << 17, self.c_out).astype(np.int32),
            shift=27,
            stride=self.stride,
            groups=self.groups,
            in_signed=True,
        )
        linear = None
        folding = {"stage0": Folding(self.pi, self.po, self.m)}
        if self.classes:
            weight = rng.integers(-127, 128, (self.classes, self.c_out)).astype(np.int8)
            linear = IntegerLinear(weight, rng.integers(-1000, 1000, self.classes).astype(np.int32))
            folding["linear"] = Folding(*self.head)
        network = IntegerNetwork(
            name=self.name,
            in_shape=(self.c_in, self.size, self.size),
            input_scale=1 / 48,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            convs=(conv,),
            linear=linear,
            output_scale=1.0,
        )
        return network, make_plan(network, multipliers=10**9, folding=folding)

    def write(self, folder: Path) -> None:
        """Its design, as `generate` writes it."""
        network, plan = self.build()
        emit.emit(Design(folder, Request("verilog"), network, plan, {}))


@cache
def digests(case: Case) -> dict[str, str]:
    """family -> digest of what a synthesis of the case reads, without comments."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        case.write(folder)
        shared = hashlib.sha256()
        for path in sorted([*(folder / "rtl").iterdir(), *(folder / "mem").glob("*.mem")]):
            shared.update(path.name.encode() + _code(path))
        found = {}
        for path in (folder / "cells").glob("*.v"):
            own = shared.copy()
            own.update(_code(path))
            found[path.stem] = own.hexdigest()[:16]
    return found


def _code(path: Path) -> bytes:
    """A file without comments."""
    return re.sub(r"\s*//.*", "", path.read_text()).encode()


FIT = (
    Case("d1", 4, 8, 8),
    Case("d2", 8, 12, 16, pi=2, po=2),
    Case("w1", 4, 8, 8, m=2),
    Case("l1", 4, 8, 8, classes=5),
    Case("d3", 16, 8, 16, po=4),
    Case("d4", 8, 16, 8, stride=2, pi=4),
    Case("w2", 8, 12, 8, po=2, m=2),
    Case("w3", 8, 12, 8, m=4),
    Case("d5", 3, 24, 12, stride=2, pi=3, po=2),
    Case("d6", 32, 16, 32, pi=2, po=4),
    Case("l2", 8, 8, 16, pi=2, po=2, classes=10, head=(2, 1)),
    Case("d9", 64, 6, 64, po=2),
    Case("w4", 8, 12, 8, stride=2, m=2),
    Case("w5", 8, 8, 16, pi=2, m=3),
    Case("d7", 16, 14, 24, pi=4, po=3),
    Case("d8", 16, 10, 16, groups=2, pi=2, po=2),
    Case("l3", 8, 8, 16, pi=2, po=2, classes=10, head=(4, 2)),
    Case("w6", 16, 8, 16, po=2, m=4),
    Case("d10", 12, 40, 12, po=6),
    Case("w7", 8, 16, 8, pi=2, po=2, m=2),
    Case("d11", 8, 32, 16, stride=2, pi=8, po=2),
    Case("d12", 48, 7, 48, stride=2, pi=3),
    Case("w8", 12, 10, 12, m=3),
    Case("l4", 4, 8, 32, classes=100, head=(1, 5)),
    Case("d13", 16, 12, 32, pi=2, po=2),
    Case("d14", 32, 8, 32, groups=4, pi=2),
)
CHECK = (
    Case("x1", 16, 12, 16, po=2, m=3),
    Case("c2", 24, 9, 24, pi=3, po=2),
    Case("y1", 8, 8, 16, pi=2, po=2, classes=12, head=(2, 3)),
    Case("c3", 8, 28, 16, stride=2, pi=2, po=4),
    Case("x2", 8, 8, 8, pi=2, m=4),
    Case("x3", 8, 12, 16, pi=2, po=2, m=2),
    Case("c5", 16, 16, 16, pi=4, po=4),
)
