"""`verilator --lint-only -Wall` has no complaint about any unit at any parameters, nor about any variant."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import collected
from lint_sources import emit_rtl, lint, shapes_only
from quick import some
from test_conv3x3 import RATES, SHAPES
from units import unit_sources

from repvgg_hw.model.variants import VARIANTS
from repvgg_hw.plan.folding import TAPS
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.search import make_plan
from repvgg_hw.targets.verilog.emit import is_package, library
from repvgg_hw.targets.verilog.netlist import Stream, direct_parameters, linear_unit

Value = int | bool | str
Parameters = dict[str, Value]


def grid(**choices: tuple[Value, ...]) -> Iterator[Parameters]:
    """Every combination."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


LINEARS = [
    LinearPlan(c_in=6, c_out=10, height=3, width=3, in_lanes=1, pi=pi, po=po, in_bits=8,
               weight_bits=8, acc_bits=32)
    for pi, po in ((1, 1), (3, 5), (6, 10))
]  # fmt: skip
# Units that only a whole Winograd layer with its generated networks can be linted in: tests of winograd.
UNITS: dict[str, list[Parameters]] = {
    "rvg_stream_reg": list(grid(WIDTH=(1, 8))),
    "rvg_fifo": list(grid(WIDTH=(1, 8), DEPTH=(1, 2, 3, 16))),
    "rvg_credit_fifo": [{"WIDTH": 8, "DEPTH": d, "SET": s} for d, s in ((1, 1), (8, 3), (16, 16))],
    "rvg_stream_upsize": list(grid(IN_W=(8,), RATIO=(1, 2, 3))),
    "rvg_stream_downsize": list(grid(OUT_W=(8,), RATIO=(1, 2, 3))),
    "rvg_width_converter": list(grid(LANE_W=(8,), IN_LANES=(1, 4, 6), OUT_LANES=(1, 4, 6))),
    "rvg_in_turn": list(grid(W=(1, 8), N=(1, 2, 4, 5, 6, 24))),
    "rvg_replay": list(grid(WIDTH=(8,), WORDS=(1, 2, 3), REPEATS=(1, 2, 3))),
    "rvg_frame_check": list(grid(BEATS=(1, 2, 49))),
    "rvg_output_map": list(grid(LANES=(1, 3), X_W=(5, 8), BEATS=(1, 2, 49))),
    "rvg_ram_1r1w": list(grid(WIDTH=(8,), DEPTH=(1, 2, 5))),
    "rvg_ram_1r1w_ultra": list(grid(WIDTH=(8,), DEPTH=(1, 2, 5))),
    "rvg_rom": list(grid(WIDTH=(8,), DEPTH=(1, 2, 5), FILE=("none.mem",))),
    "rvg_read_ahead": list(grid(WIDTH=(8,), DEPTH=(1, 2, 5))),
    "rvg_constant": [{"WIDTH": 6, "FILE": "none.mem"}],
    "rvg_global_sum": list(grid(LANES=(1, 3), WORDS=(1, 4), PIXELS=(1, 49), SUM_W=(14,))),
    "rvg_multiply": list(grid(A_W=(8, 9), P_W=(9, 16))),
    "rvg_dot_product": list(grid(N=(1, 8, 9, 65), X_SIGNED=(False, True))),
    "rvg_dot_accumulate": list(grid(N=(1, 2, 11), X_SIGNED=(False, True))),
    "rvg_pair_accumulate": list(grid(N=(2, 9, 19), X_SIGNED=(False, True))),
    "rvg_product_chain": list(grid(N=(3, 9))),
    "rvg_product_add": list(grid(N=(1, 2, 3, 9), SUM_W=(12, 34))),
    "rvg_product_tree": [{"N": n, "SUM_W": 16 + (n - 1).bit_length()} for n in (1, 3, 9)],
    "rvg_multiply_accumulate": [
        {"A_W": a, "B_W": b, "TERM_W": a + b, "SUM_W": 48} for a, b in ((9, 8), (11, 14), (30, 18))
    ],
    "rvg_delay": list(grid(CYCLES=(1, 3))),
    "rvg_adder_tree": list(grid(N=(2, 8, 9, 65), W=(16, 20))),
    "rvg_copies": list(grid(N=(1, 3))),
    "rvg_issue": list(grid(WORDS=(1, 3), SPACING=(1, 5), ADDRS=(1, 6), LATENCY=(2, 4), COPIES=(1, 2))),
    "rvg_mac_array": [
        {"N": n, "PO": po, "WORDS": words, "ADDRS": addrs, "OUT_LANES": lanes}
        for n, po, words, addrs, lanes in (
            (1, 1, 1, 1, 1), (9, 4, 4, 8, 1), (9, 4, 1, 3, 4), (72, 2, 3, 6, 1)
        )
    ],
    "rvg_requant_relu": list(grid(LANES=(1, 3), ADDRS=(1, 5), ACC_W=(16, 32))),
    "rvg_window_buffer": [
        {"WORDS": words, "HEIGHT": size, "WIDTH": size, "STEP": step, "TILES_Y": tiles, "TILES_X": tiles,
         "READ_ROWS": read_rows}
        for words, size, step, read_rows in itertools.product((1, 3), (1, 2, 7), (1, 2), (1, 3))
        for tiles in ((size - 1) // step + 1,)
    ],
    "rvg_window_rows": [{}, {"LANES": 3, "SLOTS": 4}, {"LANES": 1, "SLOTS": 4, "READ_ROWS": 1}],
    "rvg_conv3x3": [direct_parameters(plan) for plan in (*SHAPES.values(), *RATES.values())],
    "rvg_linear": [
        linear_unit(plan, Stream("s_axis", plan.pi, plan.sum_bits)).parameters for plan in LINEARS
    ],
    **collected("LINT"),
}  # fmt: skip


@pytest.mark.parametrize("module", UNITS)
def test_unit(tmp_path: Path, module: str) -> None:
    for number, parameters in enumerate(UNITS[module]):
        sources = unit_sources(tmp_path / str(number), module, [parameters])
        assert lint(sources, module, parameters) == "", parameters


def test_every_unit_is_linted() -> None:
    """A unit without a line above belongs to Winograd's layer, which has its own tests."""
    units = {name for name in library() if not is_package(name)}
    winograd = {name for name in units if "winograd" in name} | {"rvg_shift_add", "rvg_tile_to_raster"}
    assert units - winograd == set(UNITS)


def test_lint_complains(tmp_path: Path) -> None:
    """The check itself can fail."""
    broken = tmp_path / "rvg_fifo.sv"
    broken.write_text(library()["rvg_fifo"].read_text().replace("assign pop ", "logic spare;\n  assign pop "))
    assert "UNUSEDSIGNAL" in lint([broken], "rvg_fifo") or "UNDRIVEN" in lint([broken], "rvg_fifo")


# In `make test-long` benchmarks/ lints every one of them, too, at more multipliers.
@pytest.mark.parametrize("name", some((name for name, one in VARIANTS.items() if one.se is None), 3))
def test_variant(tmp_path: Path, name: str) -> None:
    """The whole top at 224 x 224, at a folding of several units' worth of everything."""
    network = shapes_only(VARIANTS[name], 224)
    plan = make_plan(network, multipliers=4 * TAPS * len(network.convs))
    *sources, top = emit_rtl(network, plan, tmp_path)
    assert lint([*sources, top], top.stem) == ""
