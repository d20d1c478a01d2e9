"""The engine's control: order of work, routing, program, runs; and faults that their benches find."""

from __future__ import annotations

from pathlib import Path

from units import Fault, check

ENGINE = 0x1234_5678  # as the bench's images have it


def test_sequencer(tmp_path: Path) -> None:
    cases = {
        "t4": {"T_MAX": 4, "WORD_DEPTH": 24},
        "t1": {"T_MAX": 1, "WORD_DEPTH": 5},
        "t5": {"T_MAX": 5, "WORD_DEPTH": 30},
    }
    lost = "- COUNT_W'(issue && set_last);"
    faults = {
        "early": Fault("t4", "data_ok    = place_q <", "data_ok    = place_q <="),
        "stale_set": Fault("t4", "|| set_soon && !set_take", "|| set_soon", "taken that is not there"),
        "no_room": Fault("t4", "!set_first || free_q != '0", "1'b1"),
        "one_half": Fault("t4", "sums_half_q <= !sums_half_q;", "sums_half_q <= sums_half_q;"),
        "half_ring": Fault("t4", "ADDR_W'(WORD_DEPTH - 1) ? '0", "ADDR_W'(WORD_DEPTH/2) ? '0"),
        "all_new": Fault("t4", lost, ";", "holds more words than it has"),
        "dead_too_early": Fault("t4", "released  <= issue && set_last;", "released  <= issue;"),
        "not_first": Fault("t4", "first_q      <= word_first;", "first_q      <= set_first;"),
        "group_base": Fault("t4", "group_base_q <= address_next;", "group_base_q <= '0;"),
        "never_again": Fault("t4", "address_q    <= group_base_q;", "address_q    <= address_next;"),
    }
    check(tmp_path, "rvg_engine_sequencer", cases, faults)


def test_route(tmp_path: Path) -> None:
    faults = {
        "swapped": Fault("w16", "busy_q && !linear_q && s_axis", "busy_q && linear_q && s_axis"),
        "one_more": Fault("w16", "busy_q <= left_q != 32'd1;", "busy_q <= left_q != 32'd0;"),
        "empty": Fault("w16", "cmd_tdata[31:0] != '0;", "1'b1;"),
    }
    check(tmp_path, "rvg_engine_route", {"w16": {"WIDTH": 16}}, faults)


def flowing(old: str, new: str) -> Fault:
    """Of a unit without streams."""
    return Fault("it", old, new, stalls="flowing")


def test_control(tmp_path: Path) -> None:
    end = "if (!told_q) done <= 1'b1;"
    faults = {
        "too_early": flowing("fetch_finished && issued == stored", "fetch_finished"),
        "mid_program": flowing("!fetch_start && fetch_finished && issued", "!fetch_start && issued"),
        "nothing_cleared": flowing("state_q <= HALT;", "state_q <= found == 0 ? CLEAR + 2'd1 : HALT;"),
        "says_it_twice": flowing(end, "done <= 1'b1;"),
        "forgets_a_start": flowing("done        <= told_q && start;", "done        <= 1'b0;"),
        "breaks_off": flowing("told_q <= 1'b1;", "told_q <= 1'b1; clear_q <= '0; state_q <= CLEAR;"),
        "frame_of_a_run": flowing("of_frame_q <= '0;\n        told_q", "told_q"),
        "frame_off_by_one": flowing("<= advances && of_frame ==", "<= advances && of_frame_q =="),
        "no_wait": flowing("if (ports_idle && idle_q) begin", "if (1'b1) begin"),
        "hangs": flowing("state_q == IDLE ? '0 : still_q", "state_q == RUN ? '0 : still_q"),
        "no_reset": flowing("rst || state_q == CLEAR", "rst"),
        "wrong_code": flowing("found = rvg_engine_pkg::ERROR_DATA_READ;", "found = 8'd4;"),
        "last_error": flowing(end, f"code <= found; {end}"),
    }
    check(tmp_path, "rvg_engine_control", {"it": {}}, faults)


def test_fetch(tmp_path: Path) -> None:
    cases = {"b8": {"BW": 8, "ENGINE_ID": ENGINE}, "b64": {"BW": 64, "ENGINE_ID": ENGINE}}
    faults = {
        "any_engine": Fault("b8", "!= ENGINE_ID)", "!= ENGINE_ID && 1'b0)"),
        "input_stays": Fault("b8", "input_q           <= input_q + input_stride;", ""),
        "output_stays": Fault("b8", "output_q          <= output_q + output_stride;", ""),
        "maps": Fault("b8", "? output_q : maps_base", "? output_q : output_q"),
        "one_frame_more": Fault("b8", "frames_q != 32'd1;", "frames_q != 32'd0;"),
        "end_in_the_middle": Fault("b8", "(op == rvg_engine_pkg::OP_END) != last_of_program", "1'b0"),
        "unknown": Fault("b8", "op > rvg_engine_pkg::OP_LINEAR", "1'b0"),
        "overwrites": Fault("b8", "(!m_axis_tvalid || m_axis_tready);", "1'b1;", stalls="choked"),
        "program": Fault("b8", "request_address_q <= program_q;", ""),
    }
    check(tmp_path, "rvg_engine_fetch", cases, faults)
