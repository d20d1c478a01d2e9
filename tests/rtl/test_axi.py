"""The AXI4 masters, against slaves written from the specification, and faults that their benches find."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

SPLIT = "rvg_axi_split"


def reader(**changed: int) -> dict[str, int]:
    return {"DATA_W": 64, "ADDR_W": 32, "CLIENTS": 2, "DEPTH": 64, "MAX_BURST": 16, **changed}


def block_fifo() -> Trials:
    cases = {f"d{depth}": {"WIDTH": 9, "DEPTH": depth} for depth in (1, 2, 5, 16)}
    faults = {
        "changes": Fault("d5", "= count_q != '0 && (!m_axis_tvalid || m_axis_tready);", "= count_q != '0;",
                         "a beat did not stay until it was taken"),
        "overflows": Fault("d5", "assign s_axis_tready = count_q != FULL;", "assign s_axis_tready = 1'b1;",
                           "came in where there was no room"),
        "lost": Fault("d5", "else if (m_axis_tready) m_axis_tvalid <=", "else m_axis_tvalid <="),
        "twice": Fault("d5", "else if (m_axis_tready) m_axis_tvalid <= 1'b0;", ""),
    }  # fmt: skip
    return Trials(cases, faults)


def read() -> Trials:
    cases = {
        "two": reader(),
        "one": reader(CLIENTS=1, DATA_W=128, DEPTH=32, MAX_BURST=32),
        "three": reader(CLIENTS=3, DATA_W=512, DEPTH=24, MAX_BURST=5),
        "single": reader(DEPTH=1, MAX_BURST=1, DATA_W=32),
    }
    faults = {
        "page": Fault("two", "BEATS_W'(to_page) < BEATS_W'(MAX_BURST) ?", "1'b0 ?", module=SPLIT),
        "page_late": Fault("two", "{1'b1, {PAGE_W{1'b0}}} -", "{1'b1, PAGE_W'(1)} -", module=SPLIT),
        "remainder": Fault("two", "beats < limit ? LEN_W'(beats) :", "1'b0 ? LEN_W'(beats) :", module=SPLIT),
        "final": Fault("two", "m_burst_final <= beats <= limit;", "m_burst_final <= beats < limit;",
                       module=SPLIT),
        "stands": Fault("two", "addr_q  <= addr_q + (ADDR_W'(m_burst_beats) << SHIFT);", "", module=SPLIT),
        "credit": Fault("two", "valid && room_q >= ROOM_W'(length)", "valid", "for which there is no room",
                        stalls="choked"),
        "gains_room": Fault("two", "(granted[c] ? ROOM_W'(length) : '0)", "ROOM_W'(granted[c])",
                            "for which there is no room", stalls="choked"),
        "changes": Fault("two", "= !m_axi_arvalid || m_axi_arready;", "= 1'b1;",
                         "an address did not stay until it was taken"),
        "length": Fault("two", "8'(length - 1'b1);", "8'(length);"),
        "client": Fault("three", "client = ID_W'(c);", "client = '0;"),
        "one_first": Fault("three", "CLIENTS'({granted, granted} >> (CLIENTS - 1));", "CLIENTS'(1);"),
        "forgives": Fault("two", "m_axi_rresp != 2'b00", "m_axi_rresp == 2'b01"),
        "goes_on": Fault("two", ">= ROOM_W'(length) && !halt;", ">= ROOM_W'(length);"),
        "within_a_beat": Fault("two", "(s_cmd_tdata[CMD_W*c +: CMD_W])",
                               "(s_cmd_tdata[CMD_W*c +: CMD_W] ^ CMD_W'(1))",
                               "a command at an address within a beat"),
        "of_no_beats": Fault("two", "(s_cmd_tdata[CMD_W*c +: CMD_W])",
                             "(CMD_W'(s_cmd_tdata[CMD_W*c +: ADDR_W]))", "a command of no beats"),
        "idle_too_soon": Fault("two", "bursts_q == '0 && !began_q;", "bursts_q == '0;",
                               "idle while a burst is asked for", silent=True),
        "never_idle": Fault("two", "= m_axi_rvalid && m_axi_rlast;", "= m_axi_rvalid;"),
    }  # fmt: skip
    return Trials(cases, faults)


def writer(**changed: int) -> dict[str, int]:
    return {"DATA_W": 64, "ADDR_W": 32, "MAX_BURST": 16, "BURSTS": 32, **changed}


def write() -> Trials:
    cases = {
        "w64": writer(),
        "w128": writer(DATA_W=128, MAX_BURST=32, BURSTS=5),
        "w512": writer(DATA_W=512, MAX_BURST=5, BURSTS=1),
        "single": writer(DATA_W=32, MAX_BURST=1, BURSTS=4),
    }
    faults = {
        "page": Fault("w64", "BEATS_W'(to_page) < BEATS_W'(MAX_BURST) ?", "1'b0 ?", module=SPLIT),
        "wlast": Fault("w64", "= sent_q == length - 1'b1;", "= sent_q == length;"),
        "length": Fault("w64", "8'(burst_beats - 1'b1);", "8'(burst_beats);"),
        "changes": Fault("w64", "= !m_axi_awvalid || m_axi_awready;", "= 1'b1;",
                         "an address did not stay until it was taken"),
        "address_lost": Fault("w512", "assign burst_ready = free && data_ready && answer_ready",
                              "assign burst_ready = free && data_ready"),
        "early": Fault("w64", ".s_axis_tdata(burst_final && last_q)", ".s_axis_tdata(last_q)"),
        "of_the_next": Fault("w64", "if (s_cmd_tvalid && s_cmd_tready) last_q", "if (s_cmd_tvalid) last_q"),
        "unasked": Fault("w64", "done <= m_axi_bvalid && ends;", "done <= m_axi_bvalid;"),
        "forgives": Fault("w64", "m_axi_bresp != 2'b00", "m_axi_bresp == 2'b01"),
        "goes_on": Fault("w64", "answer_ready && !halt;", "answer_ready;"),
        "hangs": Fault("w64", "(s_axis_tvalid || halt)", "s_axis_tvalid"),
        "pads": Fault("w64", "{s_axis_tvalid, beat_last, s_axis_tdata}", "{1'b1, beat_last, s_axis_tdata}"),
        "no_answer": Fault("w64", ".m_axis_tready(m_axi_bvalid)", ".m_axis_tready(1'b1)",
                           "an answer to no burst"),
    }  # fmt: skip
    return Trials(cases, faults)


def test_masters(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_axi_read": read(), "rvg_axi_write": write(), "rvg_block_fifo": block_fifo()})
