"""The engine's way out: strips to memory, pooled sums, the linear layer, and the registers."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

STAYS = "a beat did not stay until it was taken"
LINES, BANKS, BATCHES, ORDER = (f"rvg_engine_store_{part}" for part in ("lines", "banks", "batches", "order"))


def store() -> Trials:
    cases = {
        "direct": {"N": 3, "PO": 1, "LANES": 1, "BD": 8, "OUT_WORDS": 3, "SLOTS": 2, "PENDING": 1},
        "lanes2": {"N": 5, "PO": 4, "LANES": 2, "BD": 2, "OUT_WORDS": 15, "SLOTS": 3, "PENDING": 2},
        "tight": {"N": 9, "PO": 2, "LANES": 1, "BD": 2, "OUT_WORDS": 2, "SLOTS": 2, "PENDING": 2},
        "lanes3": {"N": 5, "PO": 3, "LANES": 3, "BD": 8, "OUT_WORDS": 4, "SLOTS": 2, "PENDING": 4},
        "lanes4": {"N": 7, "PO": 4, "LANES": 4, "BD": 4, "OUT_WORDS": 12, "SLOTS": 2, "PENDING": 16},
        "n9": {"N": 9, "PO": 2, "LANES": 2, "BD": 8, "OUT_WORDS": 8, "SLOTS": 4, "PENDING": 16},
    }
    free = "free_q - FREE_W'(room_take && !pool_q) + FREE_W'(released_q)"
    faults = {
        # pixels to rows
        "columns": Fault("tight", "px_valid && px_x < columns && px_x[", "px_valid && px_x[", module=BANKS),
        "bytes": Fault("lanes2", "px_x[BYTE_W-1:0] == BYTE_W'(b)", "1'b1", module=BANKS),
        "tiles": Fault("lanes2", "line_q : line_q + ADDR_W'(line_beats)", "line_q : line_q + 1'b1",
                       module=BANKS),
        "slots": Fault("lanes4", "base_q == LAST_BASE ? '0", "base_q == '0 ? '0", module=BANKS),
        "early": Fault("direct", "complete <= px_valid && px_last", "complete <= px_valid", module=BANKS),
        "long": Fault("tight", "32'(px_x >> BYTE_W) < OUT_WORDS", "32'(px_x >> BYTE_W) < OUT_WORDS - 1",
                      "a line ends beyond its slot", module=BANKS, silent=True),
        "order": Fault("lanes2", "y_q    <= px_last ? '0 : px_y;", "y_q    <= '0;",
                       "rows of tiles came in another order", module=BANKS),
        # rows to memory
        "rows": Fault("lanes2", "rows_after_q == 16'd1", "rows_after_q == '0", module=LINES),
        "stride": Fault("n9", "(stride2_q ? ROW_W'(M2 - 1)", "(stride2_q ? ROW_W'(M1 - 1)", module=LINES),
        "planes": Fault("lanes2", "row_last ? channel_q + plane_q", "row_last ? row_addr_q + plane_q",
                        module=LINES),
        "sizes": Fault("n9", "rows_left_q <= rows_left_q >> 1;", "rows_left_q <= '0;", module=LINES),
        "lasts": Fault("lanes2", "{whole_q || row_last,", "{whole_q,", module=LINES),
        "overtaken": Fault("lanes4", "(!command || !cmd_tvalid || cmd_tready)", "1'b1",
                           "a command did not stay until it was taken", module=LINES),
        "dropped": Fault("lanes4", "enable  = !read_q || slice_ready", "enable  = 1'b1", module=LINES),
        # batches and room
        "sets": Fault("lanes2", "next_is_last ? out_lanes_q : 8'(PO)", "out_lanes_q", module=BATCHES),
        "surplus": Fault("lanes2", "busy && channels != '0", "busy && channels == '0", module=BATCHES,
                         promise="a batch has channels that its set does not have", silent=True),
        "groups": Fault("lanes3", "if (last_set) begin", "begin", module=BATCHES),
        "no_room": Fault("lanes4", free, "free_q + FREE_W'(released_q)", "a batch became complete"),
        "more_room": Fault("lanes4", free, free.replace("!pool_q", "!pool_q && !last"),
                           "more slots are free than there are"),
        "too_early": Fault("lanes4", "free_d != '0;", "1'b1;"),
        "untaken": Fault("lanes2", ".m_axis_tready(px_valid && px_last)", ".m_axis_tready(px_valid)",
                         "pixels came that no batch was taken for"),
        "forgets": Fault("lanes2", "assign room           = open", "assign room           = 1'b1"),
        "twice": Fault("lanes2", "room && !room_take;", "room;", "room that was seen did not stay"),
        "no_pool": Fault("n9", "pool_room_ok && !linear_pending", "!linear_pending"),
        "breaks": Fault("lanes2", "!room_take || room_ok)", "!room_take || !room_ok)",
                        "a batch was taken without room", silent=True),
        # what is stored
        "unacknowledged": Fault("lanes2", "acknowledged_q >= 20'(channels)", "1'b1", module=ORDER),
        "all_at_once": Fault("lanes2", "(retire && of_map ? 20'(channels) : '0)", "'0", module=ORDER),
        "of_pool": Fault("lanes3", "waits && !of_map ? '0 :", "", module=ORDER),
        "unpooled": Fault("lanes2", "retire = waits && pools_q != '0", "retire = waits", module=ORDER),
        "eager": Fault("n9", "if (retire && kind == LINEAR) linear_go", "if (linear_pending) linear_go",
                       module=ORDER),
        "two_at_once": Fault("n9", "retire = waits && !linear_go;", "retire = waits;", module=ORDER),
        "in_the_way": Fault("n9", "retire = waits && !linear_go;", "retire = waits && linear_done;",
                            module=ORDER),
        "turns": Fault("n9", "!linear_done || linear_go)", "!linear_done || !linear_go)",
                       "a linear layer was done that did not begin", module=ORDER, silent=True),
        "overwrites": Fault("n9", "pool_room_ok && !linear_pending", "pool_room_ok"),
        "unsent": Fault("lanes2", "owed_q + 32'(cmd_tvalid && cmd_tready && cmd_tdata[56])", "owed_q",
                        "a channel was acknowledged that was not sent", silent=True),
    }  # fmt: skip
    return Trials(cases, faults)


def pool() -> Trials:
    cases = {
        "direct": {"N": 3, "LANES": 1, "T_MAX": 4, "C_MAX": 1, "POOL_W": 32, "SLOTS": 1},
        "n5": {"N": 5, "LANES": 1, "T_MAX": 3, "C_MAX": 7, "POOL_W": 16, "SLOTS": 2},
        "lanes2": {"N": 9, "LANES": 2, "T_MAX": 2, "C_MAX": 9, "POOL_W": 24, "SLOTS": 2},
        "lanes3": {"N": 3, "LANES": 3, "T_MAX": 2, "C_MAX": 8, "POOL_W": 24, "SLOTS": 3},
        "lanes4": {"N": 7, "LANES": 4, "T_MAX": 4, "C_MAX": 12, "POOL_W": 18, "SLOTS": 4},
    }
    faults = {
        "columns": Fault("n5", "px_x < px_columns &&", ""),
        "rows": Fault("n5", "&& 16'(i) < left", ""),
        "stride": Fault("lanes2", "(px_stride2 ? 16'(M2) : 16'(M1))", "16'(M1)"),
        "tiles": Fault("lanes4", "else if (px_y != y_q) left", "else if (1'b0) left"),
        "begins": Fault("n5", "(first ? '0 :", "(1'b0 ? '0 :"),
        "overwrites": Fault("n5", "(overwrites_q ? '0 : sum_data)", "sum_data"),
        "adds": Fault("n5", "(overwrites_q ? '0 : sum_data)", "'0"),
        "lanes": Fault("lanes4", "BATCH_W*32'(lane_q) +:", "BATCH_W*0 +:"),
        "behind": Fault("lanes2", "add_channel_q != channel_q)", "add_channel_q == channel_q)",
                        "a sum is read in the cycle in which it is written", silent=True),
        "from_0": Fault("lanes2", "lane_last && end_of_strip ? '0 : channel_q", "1'b0 ? '0 : channel_q"),
        "too_many": Fault("n5", "32'(channel_q) < C_MAX", "32'(channel_q) < C_MAX - 1",
                          "there are more channels than sums", silent=True),
        "lower": Fault("lanes2", "&& (i < M2 || !px_stride2)", ""),
        "early": Fault("lanes4", "done <= adds_q && ends_q", "done <= px_valid && px_last && px_end"),
        "reads": Fault("lanes4", "!sum_en || !waits && !adds_q", "!sum_en || waits",
                       "sums are read while a strip is added", silent=True),
    }  # fmt: skip
    return Trials(cases, faults)


def linear() -> Trials:
    cases = {
        "even": {"BW": 8, "BD": 8, "C_MAX": 12, "POOL_W": 24},
        "wide_port": {"BW": 8, "BD": 64, "C_MAX": 9, "POOL_W": 17},
        "wide_weights": {"BW": 16, "BD": 8, "C_MAX": 20, "POOL_W": 32},
    }
    took = "s_axis_tdata[rvg_engine_pkg::OP +: 8] == rvg"
    faults = {
        "not_cleared": Fault("even", "(first_q[STAGES] ? bias_q[", "(1'b0 ? bias_q["),
        "bias_early": Fault("even", "state_q == BIAS ? !first_waits_q", "state_q == BIAS ? 1'b1",
                            stalls="flowing"),
        "out_early": Fault("even", "!(channel_last && out_taken_q)", "1'b1", "logits came before those",
                           stalls="backpressure"),
        "parts": Fault("wide_port", "part_q == PART_W'(PARTS - 1) || whole_final_q", "whole_final_q"),
        "last_part": Fault("wide_port", "PART_W'(PARTS - 1) || whole_final_q", "PART_W'(PARTS - 1)"),
        "not_last": Fault("even", "{whole_final_q, 24'(BEATS)", "{1'b1, 24'(BEATS)"),
        "no_go": Fault("even", "state_q == IDLE && go", "state_q == IDLE"),
        "channels": Fault("even", "= ADDR_W'(channel_q);", "= ADDR_W'(channel_q >> 1);"),
        "too_many": Fault("even", "32'(channel_q) < C_MAX", "32'(channel_q) < C_MAX - 1",
                          "there are more channels than sums", silent=True),
        "other": Fault("even", took, took.replace("==", "!="), "an instruction is not for the linear layer",
                       silent=True),
        "command": Fault("even", "if (cmd_tready) cmd_tvalid", "cmd_tvalid",
                         "a command did not stay until it was taken"),
        "beat": Fault("even", "if (m_axis_tvalid && m_axis_tready) begin", "if (m_axis_tvalid) begin",
                      "a beat did not stay until it was taken"),
    }  # fmt: skip
    return Trials(cases, faults)


def test_units(tmp_path: Path) -> None:
    check_all(
        tmp_path, {"rvg_engine_store": store(), "rvg_engine_pool": pool(), "rvg_engine_linear": linear()}
    )
