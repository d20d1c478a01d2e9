"""Each unit of the Winograd layer alone, against its golden function; and faults that its bench finds."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.targets.verilog.netlist import winograd_parameters

STAYS = "a beat did not stay until it was taken"
M3 = WinogradUnit(3, 4, 4, 6, 9, pi=1, po=2, acc_bits=24)
M4 = WinogradUnit(4, 4, 4, 6, 9, pi=2, po=4, acc_bits=24)
M7 = WinogradUnit(7, 9, 4, 16, 6, pi=1, po=2, acc_bits=26)
M5_STRIDE2 = WinogradUnit(5, 3, 6, 9, 12, pi=1, po=2, acc_bits=24, stride=2, in_signed=True)
ONE = WinogradUnit(2, 4, 4, 6, 9, pi=1, po=1, acc_bits=24)
M2 = WinogradUnit(2, 4, 4, 6, 9, pi=1, po=2, acc_bits=24)
M3_STRIDE2 = WinogradUnit(3, 3, 4, 9, 12, pi=1, po=4, acc_bits=24, stride=2)
M4_STRIDE2 = WinogradUnit(4, 3, 4, 9, 12, pi=1, po=2, acc_bits=24, stride=2)


def of_layer(unit: WinogradUnit, *names: str) -> dict[str, int | bool | str]:
    """These of the whole layer's parameters."""
    return {name: winograd_parameters(unit)[name] for name in names}


def input_transform() -> Trials:
    names = ("M", "STRIDE", "PI", "IN_LANES", "X_W", "X_SIGNED", "MIDDLE_W", "DATA_W")
    cases = {
        "m5_stride2": of_layer(M5_STRIDE2, *names),
        "m2": of_layer(M2, *names) | {"IN_LANES": 1},
        # the tile whose networks leave no cycle to spare, and the one with the most registers
        "m3": of_layer(M3, *names),
        "m7": of_layer(M7, *names),
        "three_parts": of_layer(M2, *names) | {"IN_LANES": 3},
        "two_parts": of_layer(M4, *names) | {"IN_LANES": 4},
    }
    faults = {
        "changes": Fault("m2", "if (gathered_all_q && !m_axis_tvalid) begin", "if (gathered_all_q) begin",
                         STAYS, stalls="choked"),
        "withdrawn": Fault("m2", "if (m_axis_tready) m_axis_tvalid <=", "m_axis_tvalid <=", STAYS),
        "lost": Fault("m2", "middle_full_q && !rows_busy_q &&", "middle_full_q &&", "rows that are at work"),
        "overtaken": Fault("m2", "!columns_busy_q && !full_q;\n  assign s_axis",
                           "!columns_busy_q;\n  assign s_axis", "one that waits"),
        "gathered_too_soon": Fault("m2", "!rows_busy_q && !behind_full_q;", "!rows_busy_q;",
                                   "gathered over one"),
        "too_few": Fault("m3", "WORDS  = BEHIND + 1;", "WORDS  = BEHIND;", stalls="flowing"),
        "never_leaves": Fault("m3", "if (take != leave) begin", "if (take && !leave) begin"),
        "twice": Fault("m2", "if (hand_over) middle_full_q <= 1'b0;", ""),
        "same_part": Fault("two_parts", "part_q      <= last_part_q ? '0 : part_q + 1'b1;", "part_q <= '0;"),
        "part_skipped": Fault("three_parts", "PARTS > 1 ? PARTS - 2 : 0", "0"),
        "not_to_the_end": Fault("three_parts", "= last_part_q && !columns_busy_q &&", "= !columns_busy_q &&"),
        "narrow_columns": Fault("m2", "= column_y[MIDDLE_W*(K*c + i) +: MIDDLE_W];",
                                "= MIDDLE_W'($signed(column_y[MIDDLE_W*(K*c + i) +: MIDDLE_W-1]));"),
        "narrow_rows": Fault("m2", "= line_y[DATA_W*(K*c + j) +: DATA_W];",
                             "= DATA_W'($signed(line_y[DATA_W*(K*c + j) +: DATA_W-1]));"),
    }  # fmt: skip
    return Trials(cases, faults)


def mac(unit: WinogradUnit) -> dict[str, int]:
    return {
        "POSITIONS": unit.transform.size**2,
        "PI": unit.pi,
        "PO": unit.po,
        "WORDS": unit.words,
        "SPACING": unit.spacing,
        "ADDRS": unit.weight_memory[0],
        "DATA_W": unit.widths.data,
        "WEIGHT_W": unit.widths.weight,
        "SUM_W": unit.widths.sum,
    }


def mac_array() -> Trials:
    faults = {
        "not_cleared": Fault(
            "m2", "(first ? '0 : sum) + SUM_W'(m_q)", "sum + SUM_W'(m_q)", module="rvg_multiply_accumulate"
        ),
        "too_close": Fault("spaced", ".SPACING(SPACING)", ".SPACING(1)"),
        "lost": Fault("m2", "products_valid[0] && products_last;", "products_last && !enable[0];"),
        "twice": Fault("m2", "products_valid[0] && products_last;", "products_last;"),
        "no_room": Fault("m2", "(!first_q || start_ok)", "1'b1", module="rvg_issue"),
    }
    cases = {"m4": mac(M4), "m2": mac(M2), "spaced": {**mac(M2), "SPACING": 7}}
    return Trials(cases, faults)


def output(unit: WinogradUnit) -> dict[str, int | bool | str]:
    shift = unit.transform.shift
    return {**of_layer(unit, "M", "STRIDE", "PO", "LANES", "ROWS", "ACC_W"), "SHIFT": shift}


def output_transform() -> Trials:
    odd = "($bits(mine)'(1) << SUM_W)"  # one more in the second sum, which no convolution has
    faults = {
        "wrong_sum": Fault("one", ".d(mine)", f".d(mine + {odd})",
                           "a rest in the first pass", silent=True),
        "wrong_middle": Fault("one", "= middle_q[HELD_W*j +: COL_W];",
                              "= middle_q[HELD_W*j +: COL_W] ^ (COL_W'(1) << MID_W);",
                              "a rest in the second pass"),
        "lost": Fault("one", "if (sums_valid) rows_busy_q", "if (sums_valid && !columns_busy_q) rows_busy_q"),
        "twice": Fault("one", "columns_busy_q <= left_q != '0;", "columns_busy_q <= left_q != '1;"),
        "too_slow": Fault("one", "BATCH_W'(BATCHES - 1)) begin", "BATCH_W'(BATCHES)) begin",
                          "sums came before those before them had left"),
        "same_row": Fault("two_rows", "rows[SUM_W*(M*(ROWS*l + i) + j)", "rows[SUM_W*(M*ROWS*l + j)"),
        "rows_lost": Fault("uneven_rows", "if (i < K) begin", "if (i < K - 1) begin"),
        "does_not_wait": Fault("rows_wait", "&& step_q < STEP_W'(FILLED);", ";"),
        "too_early": Fault("rows_wait", "FILLED > M ? FILLED : M;", "FILLED;"),
    }  # fmt: skip
    cases = {
        "m7": output(M7),
        "m2": output(M2) | {"ROWS": 1},
        "one": output(ONE) | {"ROWS": 1},
        "two_rows": output(M2) | {"ROWS": 2},
        # behind the last row nothing; two channels, one after another
        "uneven_rows": output(M3_STRIDE2) | {"ROWS": 3, "LANES": 2},
        # three steps of rows, four columns: the rows wait for them
        "rows_wait": output(M4_STRIDE2) | {"ROWS": 3, "LANES": 1},
    }
    return Trials(cases, faults)


def raster(unit: WinogradUnit, **others: int) -> dict[str, int]:
    return {
        "M": unit.m,
        "HEIGHT": unit.out_height,
        "WIDTH": unit.out_width,
        "CHANNELS": unit.c_out,
        "SET_CHANNELS": unit.po,
        "IN_LANES": unit.lanes,
        "OUT_LANES": unit.out_lanes,
        "Y_W": unit.out_bits,
        **others,
    }


def tile_to_raster() -> Trials:
    cases = {
        "m4": raster(M4),
        "m2": raster(M2),
        "two": raster(M2, BUFFERS=2),
        "lanes": raster(M2, IN_LANES=1, OUT_LANES=2),
    }
    faults = {
        "changes": Fault("m2", "= !m_axis_tvalid || m_axis_tready;", "= 1'b1;", STAYS),
        "lost": Fault("m2", "wr_col < COL_W'(WIDTH)", "wr_col < COL_W'(WIDTH - 1)"),
        "twice": Fault("m4", "PIX_W'(LAST_ROWS - 1) : PIX_W'(M - 1)", "PIX_W'(M - 1) : PIX_W'(M - 1)"),
        "counts_the_wrong_way": Fault("m2", "free_q - COUNT_W'(start", "free_q + COUNT_W'(start",
                                      "more buffers are free or kept than there are", silent=True),
        "begins_without_room": Fault("two", "start_ok <= set_d != '0 || free_d != '0;", "start_ok <= 1'b1;",
                                     "over one that is kept"),
        "takes_nothing": Fault("m2", "COUNT_W'(start && set_q == '0) + COUNT", "COUNT_W'(1'b0) + COUNT",
                               "more buffers are free or kept than there are"),
    }  # fmt: skip
    return Trials(cases, faults)


def test_input_transform(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_winograd_input_transform": input_transform()})


def test_mac(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_winograd_mac": mac_array()})


def test_output_transform(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_winograd_output_transform": output_transform()})


def test_tile_to_raster(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_tile_to_raster": tile_to_raster()})
