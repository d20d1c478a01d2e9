"""The engine's registers over AXI4-Lite, its reset, and the write port that two units share."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

SLAVE = "rvg_axi_lite"


def registers() -> Trials:
    cases = {"small": {"ADDR_W": 7, "ENGINE_ID": 0x12345678}, "page": {"ADDR_W": 12, "ENGINE_ID": 9}}
    faults = {
        # the slave
        "pairs": Fault("small", "wr_en          = aw_full_q && w_full_q", "wr_en          = w_full_q",
                       module=SLAVE),
        "response": Fault("small", "s_axil_bresp  <= wr_ok ? OKAY : SLVERR", "s_axil_bresp  <= OKAY",
                          module=SLAVE),
        "read_response": Fault("small", "s_axil_rresp  <= rd_ok ? OKAY : SLVERR", "s_axil_rresp  <= OKAY",
                               module=SLAVE),
        "not_waiting": Fault("small", "ar_full_q && (!s_axil_rvalid || s_axil_rready)", "ar_full_q",
                             module=SLAVE, promise="an answer to a read did not stay until it was taken"),
        "withdrawn": Fault("small", "if (s_axil_bready) s_axil_bvalid", "s_axil_bvalid", module=SLAVE,
                           promise="an answer to a write did not stay until it was taken"),
        "overrun": Fault("small", "assign s_axil_awready = !aw_full_q", "assign s_axil_awready = 1'b1",
                         module=SLAVE),
        # the registers
        "strobes": Fault("small", "run_q[32*r +: 32] & ~mask | ones", "wr_data"),
        "read_only": Fault("small", "control || status || enable;", "1'b1;"),
        "reset_value": Fault("small", "== rvg_engine_registers_pkg::FRAMES ? 32'd1\n", "== 0 ? 32'd1\n"),
        "mixed_up": Fault("small", "output_base, input_base, maps_base, image_base} =",
                          "output_base, input_base, image_base, maps_base} ="),
        "not_locked": Fault("small", "if (wr_en && !busy_q && wr_offset", "if (wr_en && wr_offset"),
        "restarts": Fault("small", "start    <= starts && !busy_q", "start    <= starts"),
        "silent_busy": Fault("small", "error_q <= rvg_engine_pkg::ERROR_BUSY;", ";"),
        "lost_code": Fault("small", "if (code != rvg_engine_pkg::ERROR_NONE) error_q", "if (1'b0) error_q"),
        "overwritten": Fault("small", "if (code != rvg_engine_pkg::ERROR_NONE) error_q", "error_q"),
        "aborts_nothing": Fault("small", "CONTROL_ABORT] && busy_q", "CONTROL_ABORT]"),
        "clears_all": Fault("small", "if (ones[rvg_engine_registers_pkg::STATUS_INTERRUPT])", "if (1'b1)"),
        "not_enabled": Fault("small", "pending_q && enable_q", "pending_q"),
        "runs_on": Fault("small", "cycles_q + 64'(busy_q)", "cycles_q + 64'd1"),
        "of_both_runs": Fault("small", "frames_done_q <= '0;\n      begin_q       <= {",
                              "begin_q       <= {"),
        "from_reset": Fault("small", "rd_data = beats_q[31:0] - begin_q[31:0]", "rd_data = beats_q[31:0]"),
        "behind": Fault("small", "if (busy_q && !clear && !done) beats_q", "if (busy_q && !clear) beats_q"),
        "cleared": Fault("small", "if (busy_q && !clear && !done) beats_q", "if (busy_q && !done) beats_q"),
        "goes_on": Fault("small", "if (busy_q && !clear && !done) beats_q", "if (!clear && !done) beats_q"),
    }  # fmt: skip
    return Trials(cases, faults)


def write_mux() -> Trials:
    cases = {
        "narrow": {"WIDTH": 8, "DEPTH": 2},
        "single": {"WIDTH": 8, "DEPTH": 1},
        "wide": {"WIDTH": 64, "DEPTH": 16},
    }
    faults = {
        "mixed_up": Fault("narrow", "m_axis_tdata  = client ?", "m_axis_tdata  = chosen ?"),
        "long": Fault("narrow", "beat_q == beats - 1'b1", "beat_q == beats"),
        "starves": Fault("narrow", "s_cmd_tvalid[other_q] ? other_q : !other_q", "other_q"),
        "taken_back": Fault("narrow", "granted && s_axis_tvalid[client];",
                            "granted && s_axis_tvalid[client] && !cmd_tvalid;",
                            "a beat did not stay until it was taken"),
        "answers": Fault("narrow", "write_done ? {answered, !answered}", "write_done ? {chosen, !chosen}"),
        "unasked": Fault("narrow", "!write_done || awaited)", "!write_done || !awaited)",
                         "an answer came that nothing asked for", silent=True),
        "no_room": Fault("single", "slice_ready && grant_ready && answer_ready",
                         "slice_ready && grant_ready"),
    }  # fmt: skip
    return Trials(cases, faults)


def reset() -> Trials:
    faults = {
        "awaits_an_edge": Fault("s3", " or negedge rst_n", ""),
        "short": Fault("s3", "{stages_q[STAGES-2:0], 1'b0}", "'0"),
    }
    return Trials({f"s{stages}": {"STAGES": stages} for stages in (2, 3, 5)}, faults)


def test_units(tmp_path: Path) -> None:
    units = {
        "rvg_engine_registers": registers(),
        "rvg_engine_write_mux": write_mux(),
        "rvg_reset": reset(),
    }
    check_all(tmp_path, units)
