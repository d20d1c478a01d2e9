"""The engine's control: order of work, routing, program, runs; and faults that their benches find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from units import Fault, Trials, check_all

ENGINE = 0x1234_5678  # as the bench's images have it


def sequencer() -> Trials:
    cases = {
        "t4": {"T_MAX": 4, "WORD_DEPTH": 24},
        "t1": {"T_MAX": 1, "WORD_DEPTH": 5},
        "t5": {"T_MAX": 5, "WORD_DEPTH": 30},
    }
    lost = "- COUNT_W'(issue && set_last);"
    faults = {
        "early": Fault("t4", "data_ok    = place_q <", "data_ok    = place_q <="),
        "stale_set": Fault("t4", "|| set_soon && wait_q", "|| wait_q", "taken that is not there"),
        "too_soon": Fault("t4", "if (issue && tile_last) wait_q", "if (1'b0) wait_q"),
        "no_room": Fault("t4", "!sums_first || free_q != '0", "1'b1"),
        "one_half": Fault("t4", "sums_half_q <= !sums_half_q;", "sums_half_q <= sums_half_q;"),
        "half_ring": Fault("t4", "ADDR_W'(WORD_DEPTH - 1) ? '0", "ADDR_W'(WORD_DEPTH/2) ? '0"),
        "all_new": Fault("t4", lost, ";", "holds more words than it has"),
        "dead_too_early": Fault("t4", "released  <= issue && set_last;", "released  <= issue;"),
        "not_first": Fault("t4", "first_q   <= word_first;", "first_q   <= tile_first && word_first;"),
        "group_base": Fault("t4", "group_base_q <= address_next;", "group_base_q <= '0;"),
        "never_again": Fault("t4", "address_q    <= group_base_q;", "address_q    <= address_next;"),
    }
    return Trials(cases, faults)


def flowing(old: str, new: str) -> Fault:
    """Of a unit without streams."""
    return Fault("it", old, new, stalls="flowing")


def control() -> Trials:
    end = "if (!told_q) done <= 1'b1;"
    faults = {
        "left_over": flowing("ERROR_NONE && !at_rest ?", "ERROR_NONE && 1'b0 ?"),
        "too_early": flowing("fetch_finished && issued == stored", "fetch_finished"),
        "unfinished": flowing("issued == stored && !linear_busy", "issued == stored"),
        "half_a_frame": flowing("|| frame_waits_q) && !linear_busy;", "|| frame_waits_q);"),
        "lost_frame": flowing("(frame_stored || frame_waits_q) && linear_busy;", "1'b0;"),
        "late_frame": flowing("frame_waits_q <= 1'b0;", ""),
        "mid_program": flowing("!fetch_start && fetch_finished && issued", "!fetch_start && issued"),
        "nothing_cleared": flowing("state_q <= HALT;", "state_q <= found == 0 ? CLEAR + 2'd1 : HALT;"),
        "says_it_twice": flowing(end, "done <= 1'b1;"),
        "forgets_a_start": flowing("done        <= told_q && start;", "done        <= 1'b0;"),
        "breaks_off": flowing("told_q <= 1'b1;", "told_q <= 1'b1; clear_q <= '0; state_q <= CLEAR;"),
        "frame_of_a_run": flowing("of_frame_q    <= '0;", ""),
        "frame_off_by_one": flowing("= advances && of_frame ==", "= advances && of_frame_q =="),
        "no_wait": flowing("if (ports_idle && idle_q) begin", "if (1'b1) begin"),
        "hangs": flowing("state_q == IDLE ? '0 : still_q", "state_q == RUN ? '0 : still_q"),
        "no_reset": flowing("rst || state_q == CLEAR", "rst"),
        "wrong_code": flowing("found = rvg_engine_pkg::ERROR_DATA_READ;", "found = 8'd4;"),
        "last_error": flowing(end, f"code <= found; {end}"),
    }
    return Trials({"it": {}}, faults)


def fetch() -> Trials:
    cases = {"b8": {"BW": 8, "BD": 16, "ENGINE_ID": ENGINE}, "b64": {"BW": 64, "BD": 8, "ENGINE_ID": ENGINE}}
    faults = {
        "any_engine": Fault("b8", "!= ENGINE_ID)", "!= ENGINE_ID && 1'b0)"),
        "input_stays": Fault("b8", "input_q           <= input_q + input_stride;", ""),
        "output_stays": Fault("b8", "output_q          <= output_q + output_stride;", ""),
        "maps": Fault("b8", "? output_q : maps_base", "? output_q : output_q"),
        "one_frame_more": Fault("b8", "frames_q != 32'd1;", "frames_q != 32'd0;"),
        "end_in_the_middle": Fault("b8", "(op == rvg_engine_pkg::OP_END) != last_of_program", "1'b0"),
        "unknown": Fault("b8", "else if (!legal)", "else if (1'b0)"),
        "unlooked": Fault("b8", "active_q && checked_q && error", "active_q && error", stalls="flowing"),
        "too_soon": Fault("b8", "checked_q <= seen_q", "checked_q <= block_tvalid", stalls="flowing"),
        "empty": Fault("b8", "< 32'd2)", "== '0)"),
        "image_within": Fault("b8", "image_base[$clog2(BW)-1:0] == '0", "1'b1"),
        "stride_within": Fault("b8", " | output_stride[D_W-1:0]", ""),
        "overwrites": Fault("b8", "(!m_axis_tvalid || m_axis_tready);", "1'b1;", stalls="choked"),
        "program": Fault("b8", "request_address_q <= program_q;", ""),
    }
    return Trials(cases, faults)


def legality() -> Trials:
    limits = {"PI": 2, "PO": 3, "T_MAX": 6, "LINE_DEPTH": 8, "OUT_WORDS": 12, "C_MAX": 40, "BD": 8, "BW": 16}
    most = dict(zip(limits, (255, 255, 16, 1024, 4096, 65535, 64, 8), strict=True))
    faults = {
        "area": flowing("area == 13'(instruction", "area <= 13'(instruction"),
        "low_bit": flowing("b < 5; b++", "b < 2; b++"),
        "tiles": flowing("(16'(instruction[rvg_engine_pkg::TILES +: 8]), T_MAX)", "(16'd1, T_MAX)"),
        "lanes": flowing("[rvg_engine_pkg::IN_LANES +: 8]), PI)", "[rvg_engine_pkg::IN_LANES +: 8]), PO)"),
        "nothing": flowing("value != '0 && 32'", "32'"),
        "one_more": flowing("32'(value) <= most", "32'(value) <= most + 1"),
        "half_a_beat": flowing(
            "input logic [D_W-1:0] low);\n    data_beats = low == '0",
            "input logic [D_W-1:0] low);\n    data_beats = low[D_W-2:0] == '0",
        ),
        "pooled": flowing("instruction[rvg_engine_pkg::POOL] || fits", "fits"),
        "weights": flowing("WEIGHT_BEATS + 24 +: 8] == '0", "WEIGHT_BEATS + 24 +: 8] >= '0"),
        "linear": flowing("legal = linear_q && weights_q;", "legal = weights_q;"),
        "rows": flowing("instruction[rvg_engine_pkg::STORE_ROWS +: 16] != '0 && ", ""),
        "at_once": flowing("case (op_q)", "case (op)"),
    }
    return Trials({"it": limits, "most": most}, faults)


UNITS = {
    "rvg_engine_sequencer": sequencer,
    "rvg_engine_control": control,
    "rvg_engine_fetch": fetch,
    "rvg_engine_check": legality,
}


@pytest.mark.parametrize(("module", "unit"), UNITS.items(), ids=UNITS)
def test_unit(tmp_path: Path, module: str, unit: Callable[[], Trials]) -> None:
    check_all(tmp_path, {module: unit()})
