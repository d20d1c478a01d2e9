"""The engine's compute units alone, each against its golden function; and faults that their benches find."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

from repvgg_hw.plan.engine.kinds import engine_widths

ACC = 24


def weights(n: int, pi: int, po: int, width: int, sets: int, beats: int) -> dict[str, int]:
    widths = engine_widths(n, ACC)
    return {
        "N": n,
        "PI": pi,
        "PO": po,
        "BW": width,
        "SETS": sets,
        "BLOCK_BEATS": beats,
        "WMIDDLE_W": widths.weight_middle,
        "WEIGHT_W": widths.weight,
        "ACC_W": ACC,
    }


def weights_trials(n: int) -> Trials:
    cases = {
        "narrow": weights(n, 1, 2, 8, 4, 9),
        "one": weights(n, 1, 1, 16, 1, 1),
        "wide": weights(n, 2, 3, 8, 1, 7),
    }
    lane, kernels = "rvg_engine_weight_lane", "rvg_engine_kernels"
    faults = {
        "set_twice": Fault("narrow", "if (set_take) set_valid <= 1'b0;", ""),
        "not_soon": Fault("one", "= set_valid || rows_end;", "= set_valid;"),
        "transposed": Fault("narrow", "taps[8*(3*k + 1) +: 8]", "taps[8*(3 + k) +: 8]"),
        "overtaken": Fault("one", "!(column_q[2] && middle_full_q && !rows_end)", "1'b1",
                           "columns were moved over those"),
        "next_stride": Fault("one", ".row_stride2(row_stride2_q)", ".row_stride2(column_stride2_q)",
                             stalls="backpressure"),
        "columns_swapped": Fault("narrow", "second_q, first_q}", "first_q, second_q}", module=lane),
        "wrong_rows": Fault("narrow", "*third + k) % N)", "*third + k + 1) % N)", module=lane),
        "overwritten": Fault("narrow", "= !ahead_q || free", "= 1'b1 || free",
                             "a set of kernels did not stay", module=kernels, stalls="backpressure"),
        "beat_too_early": Fault("narrow", "in_block_q && beat_q >", "in_block_q && beat_q >=", module=kernels,
                                stalls="idle"),
        "over_the_last": Fault("narrow", "beat_free && (!ends || !ahead_q || used_up)", "beat_free",
                               "a block ended over one", module=kernels, stalls="backpressure"),
        "as_long": Fault("narrow", "if (left_q == 16'(k)) block_last", "if (1'b0) block_last",
                         module=kernels),
        "block_too_many": Fault("wide", "left_q <= 16'(SETS)", "left_q < 16'(SETS)", module=kernels),
        "changes": Fault("narrow", "if (set_take) next_q", "if (kernels_tvalid) next_q",
                         "a set of kernels did not stay", module=kernels),
        "not_reset": Fault("narrow", "      in_block_q <= 1'b0;\n      beat_q     <= '0;\n", "",
                           module=kernels),
        "affine_order": Fault("narrow", "collected_q[64*o +: ACC_W]", "collected_q[64*(PO-1-o) +: ACC_W]",
                              module=kernels),
    }  # fmt: skip
    return Trials(cases, faults)


def array(n: int, pi: int, po: int, lanes: int, tiles: int) -> dict[str, int]:
    widths = engine_widths(n, ACC)
    return {
        "N": n,
        "PI": pi,
        "PO": po,
        "LANES": lanes,
        "T_MAX": tiles,
        "DATA_W": widths.data,
        "WEIGHT_W": widths.weight,
        "SUM_W": widths.sum,
    }


def array_trials(n: int) -> Trials:
    cases = {"two": array(n, 1, 2, 1, 4), "one": array(n, 1, 1, 1, 1), "many": array(n, 3, 4, 2, 3)}
    cases |= {"pair": array(n, 2, 1, 1, 2)} | ({"logic": array(n, 10, 1, 1, 2)} if n == 3 else {})
    sums, add = "rvg_engine_accumulators", "rvg_product_add"
    faults = {
        "not_cleared": Fault("two", "clear ? '0 : c", "c", module=add),
        "not_added": Fault("pair", "clear ? '0 : c", "'0", module=add),
        "wrong_tile": Fault("two", "= mem[tile];", "= mem[add_tile];", module=sums),
        "too_early": Fault("two", "&& ends) ready", ") ready", module=sums, stalls="flowing"),
        "half_swapped": Fault("two", "(half[LATENCY] ?", "(!half[LATENCY] ?"),
        "row_order": Fault("many", "4*g + r) +: LINE_W]", "4*g + ROWS - r) +: LINE_W]"),
        "wrong_four": Fault("many", "GROUP_W'(drain_row >> 2)", "GROUP_W'(drain_row >> 1)"),
        "next_weights": Fault("two", "if (set_take) set_q", "if (!set_take) set_q"),
        "done_again": Fault("two", "valid[LATENCY] && last[LATENCY]", "last[LATENCY]"),
        "late_first": Fault("one", ".first(first[AT])", ".first(first[AT+1])"),
        "overtaken": Fault("one", "= LATENCY - AT + 1;", "= LATENCY + 2;", "a tile's word came before",
                           silent=True),
    }  # fmt: skip
    return Trials(cases, faults)


def output(n: int, po: int, lanes: int, tiles: int) -> dict[str, int]:
    widths = engine_widths(n, ACC)
    return {
        "N": n,
        "PO": po,
        "LANES": lanes,
        "T_MAX": tiles,
        "ACC_W": ACC,
        "SHIFT1": widths.shift1,
        "SHIFT2": widths.shift2,
    }


def output_trials(n: int) -> Trials:
    cases = {"two": output(n, 2, 1, 4), "one": output(n, 1, 1, 1), "many": output(n, 6, 2, 6)}
    drain, tile = "rvg_engine_drain", "rvg_engine_tile"
    faults = {
        "divisor": Fault("two", "stride2 ? y2 : y1", "stride2 ? y1 : y2", module="rvg_engine_divide_network"),
        "shift": Fault("two", "rows_stride2 ? row[", "!rows_stride2 ? row[", module=tile),
        "wrong_sum": Fault("two", ".x(sums)", ".x(sums + ((N*SUM_W)'(1) << SUM_W))",
                           "a rest in the first pass", module=tile),
        "wrong_middle": Fault("two", "<= middle_q[j];", "<= middle_q[j] ^ LINE_M'(1);",
                              "a rest in the second pass", module=tile),
        "affine_order": Fault("many", "affine_tdata[LANES*AFFINE_W*b +:",
                              "affine_tdata[LANES*AFFINE_W*(BATCHES - b) +:", module=drain),
        "batch_too_many": Fault("many", "last_batch     <= left_d <= 8'(LANES)",
                                "last_batch     <= drain_batch == BATCH_W'(BATCHES - 2)", module=drain),
        "set_twice": Fault("two", "- 2'(set_end)", "- 2'b0", "more sets are complete", module=drain),
        "half_kept": Fault("two", "half_q ^ last_batch", "half_q", module=drain),
        "no_room": Fault("two", "(!batch_begin || room_ok)", "1'b1", module=drain),
        "paused": Fault("two", "(!batch_begin || room_ok)", "room_ok", "a batch paused", module=drain,
                        silent=True),
        "affine_too_soon": Fault("many", "if (valid_q[1] && tags_q[2*TAG_W-1]) batch_q",
                                 "if (hand_over) batch_q", stalls="flowing"),
        "shift_too_soon": Fault("one", "= REQUANT - 2;", "= REQUANT - 6;", stalls="flowing"),
        "stride_too_soon": Fault("one", "= row_stride2_q[1]", "= tile_stride2", stalls="flowing"),
        "not_reset": Fault("two", "      drain_row   <= '0;\n", "", module=drain),
        "not_limited": Fault("two", "< out_max ?", "< 8'd255 ?"),
    }  # fmt: skip
    return Trials(cases, faults)


def units(n: int, *, faults: bool) -> dict[str, Trials]:
    trials = {
        "rvg_engine_weights": weights_trials(n),
        "rvg_engine_output": output_trials(n),
        "rvg_engine_array": array_trials(n),
    }
    return trials if faults else {name: Trials(unit.cases) for name, unit in trials.items()}


def test_compute_units(tmp_path: Path) -> None:
    check_all(tmp_path, units(5, faults=True))
