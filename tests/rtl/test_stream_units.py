"""The units that only move beats, under patterns of stalls; beats that change, are lost, come twice."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

STAYS = "a beat did not stay until it was taken"


def stream_reg() -> Trials:
    cases = {"w1": {"WIDTH": 1}, "w8": {"WIDTH": 8}, "w130": {"WIDTH": 130}}
    keep = "skid_data_q   <= s_axis_tdata;"
    faults = {
        "changes": Fault("w8", keep, f"{keep} m_axis_tdata <= s_axis_tdata;", STAYS),
        "withdrawn": Fault("w8", keep, f"{keep} m_axis_tvalid <= 1'b0;", STAYS),
        "lost": Fault("w8", "skid_valid_q  <= 1'b1;", "skid_valid_q  <= 1'b0;"),
        "twice": Fault("w8", "skid_valid_q  <= 1'b0;\n    end else", "end else"),
    }
    return Trials(cases, faults)


def fifo() -> Trials:
    cases = {f"d{depth}": {"WIDTH": 9, "DEPTH": depth} for depth in (1, 2, 3, 8, 13)}
    faults = {
        "changes": Fault("d3", "if (pop) rd_ptr_q", "if (m_axis_tvalid) rd_ptr_q", STAYS),
        "lost": Fault("d3", "assign s_axis_tready = !full_q;", "assign s_axis_tready = 1'b1;",
                      "came in where there was no room"),
        "unwritten": Fault("d3", "m_axis_tvalid <= push || count_q != COUNT_W'(1);", "m_axis_tvalid <= 1'b1;",
                           "left that had not come"),
        "twice": Fault("d3", "if (pop) rd_ptr_q <=", "if (pop && wr_ptr_q != '0) rd_ptr_q <="),
    }  # fmt: skip
    return Trials(cases, faults)


def credit_fifo() -> Trials:
    shapes = ((1, 1), (4, 1), (5, 2), (8, 8), (21, 5))
    cases = {f"d{d}s{s}": {"WIDTH": 8, "DEPTH": d, "SET": s} for d, s in shapes}
    faults = {
        "overflows": Fault("d5s2", ": SPARE_W'(SET))", ": SPARE_W'(1))", "a full buffer"),
        "begins_without_room": Fault("d5s2", "!spare_q[SPARE_W-1];", "1'b1;", "a full buffer"),
        "gains_room": Fault("d4s1", "m_axis_tvalid && m_axis_tready;", "m_axis_tready;",
                            "more room is free than there is"),
    }  # fmt: skip
    return Trials(cases, faults)


def stream_upsize() -> Trials:
    cases = {f"r{ratio}": {"IN_W": 5, "RATIO": ratio} for ratio in (1, 2, 3, 7)}
    faults = {
        "lost": Fault("r1", "assign s_axis_tready = !full_q || slice_ready;", "assign s_axis_tready = 1'b1;"),
        "twice": Fault("r2", "if (full_q && slice_ready) full_q <= 1'b0;", ""),
    }
    return Trials(cases, faults)


def stream_downsize() -> Trials:
    cases = {f"r{ratio}": {"OUT_W": 5, "RATIO": ratio} for ratio in (1, 2, 3, 7)}
    step = "if (m_axis_tvalid && m_axis_tready) count_q"
    faults = {
        "changes": Fault("r3", step, "if (m_axis_tvalid) count_q", STAYS),
        "lost": Fault("r3", "m_axis_tready && count_q == LAST;", "m_axis_tready && count_q != '0;"),
        "twice": Fault("r3", step, "if (m_axis_tvalid && m_axis_tready && s_axis_tvalid) count_q"),
    }
    return Trials(cases, faults)


def width_converter() -> Trials:
    pairs = ((1, 1), (4, 4), (1, 6), (6, 1), (2, 3), (3, 2), (4, 6), (12, 8), (5, 7))
    cases = {f"from{a}to{b}": {"LANE_W": 4, "IN_LANES": a, "OUT_LANES": b} for a, b in pairs}
    faults = {"lost": Fault("from3to2", ".m_axis_tready(wide_tready)", ".m_axis_tready(1'b1)")}
    return Trials(cases, faults)


def replay() -> Trials:
    shapes = ((1, 1), (1, 3), (2, 1), (3, 2), (4, 5))
    cases = {f"w{w}r{r}": {"WIDTH": 7, "WORDS": w, "REPEATS": r} for w, r in shapes}
    faults = {
        "changes": Fault("w3r2", "= !m_axis_tvalid || m_axis_tready;", "= 1'b1;", STAYS),
        "lost": Fault("w3r2", "assign s_axis_tready = !both_q;", "assign s_axis_tready = 1'b1;",
                      "where two sets are stored"),
        "twice": Fault("w1r3", "REPEATS > 1 ? REPEATS - 2", "REPEATS > 1 ? REPEATS - 1"),
    }  # fmt: skip
    return Trials(cases, faults)


def frame_check() -> Trials:
    cases = {f"b{beats}": {"BEATS": beats} for beats in (1, 2, 5, 16)}
    faults = {"early": Fault("b5", "error || tlast != last", "error || last && !tlast")}
    return Trials(cases, faults)


def output_map() -> Trials:
    shapes = ((1, 8, 1), (1, 5, 7), (3, 4, 16), (4, 8, 6))
    cases = {f"l{n}w{w}b{b}": {"LANES": n, "X_W": w, "BEATS": b} for n, w, b in shapes}
    step = "if (m_axis_tvalid && m_axis_tready) beat_q"
    faults = {
        "changes": Fault("l1w5b7", step, "if (m_axis_tvalid) beat_q", STAYS),
        "lost": Fault("l1w5b7", ".m_axis_tvalid, .m_axis_tready\n", ".m_axis_tvalid, .m_axis_tready(1'b1)\n"),
    }
    return Trials(cases, faults)


def ram_1r1w() -> Trials:
    cases = {f"d{depth}": {"WIDTH": 11, "DEPTH": depth} for depth in (1, 2, 5, 16)}
    faults = {"holds_not": Fault("d5", "rd_en) rd_data <= mem[rd_addr];\n", "1'b1) rd_data <= mem[0];\n")}
    return Trials(cases, faults)


def rom(folder: Path) -> Trials:
    cases: dict[str, dict[str, int | bool | str]] = {}
    for depth, width in ((1, 3), (5, 12), (16, 70)):
        words = [f"{(i * 0x9E3779B97F4A7C15F39CC0605CEDC835 >> 3) % (1 << width):x}" for i in range(depth)]
        (folder / f"table{depth}.mem").write_text("\n".join(words) + "\n")
        cases[f"d{depth}"] = {"WIDTH": width, "DEPTH": depth, "FILE": f"table{depth}.mem"}
    return Trials(cases, {"holds_not": Fault("d5", "if (en) data <= mem", "data <= mem")})


def read_ahead() -> Trials:
    cases = {f"d{depth}": {"WIDTH": 12, "DEPTH": depth} for depth in (1, 2, 5)}
    faults = {
        "not_ahead": Fault("d5", "if (take) data <= rom_data;", "data <= rom_data;", stalls="idle"),
        "read_twice": Fault(
            "d2", "empty_q <= 1'b0;", "empty_q <= take;", "a word was taken before it was read"
        ),
        "not_begun": Fault("d5", "empty_q  <= 1'b1;", "empty_q  <= 1'b0;"),
        "out_of_step": Fault("d5", "ADDR_W'(DEPTH - 1) ? '0", "ADDR_W'(DEPTH - 2) ? '0"),
    }
    return Trials(cases, faults)


def constant(folder: Path) -> Trials:
    (folder / "one.mem").write_text("2a\n")
    return Trials({"one": {"WIDTH": 6, "FILE": "one.mem"}})


def in_turn() -> Trials:
    faults = {
        "stands_still": Fault("n4", "'0 : index_q + 1'b1;", "'0 : index_q;"),
        "not_from_the_start": Fault("n9", "index_q <= load ||", "index_q <="),
        "gated_stands_still": Fault("n6", ": next_q << 1;", ": next_q;"),
        "first_stays": Fault("n6", "if (!load) front_q", "if (1'b0) front_q"),
        "others_stay": Fault("n5", "if (!next_q[i-1])", "if (next_q == '0)"),
        "changes": Fault("n5", "if (load) later_q", "later_q"),
        "word_lost": Fault("n6", "i < N; i++) joined", "i < N - 1; i++) joined"),
    }
    return Trials({f"n{n}": {"W": w, "N": n} for w, n in ((7, 1), (3, 4), (1, 5), (4, 6), (2, 9))}, faults)


def test_units(tmp_path: Path) -> None:
    """All in one simulator: a small unit costs less than a simulator of its own."""
    units = {
        "rvg_stream_reg": stream_reg(),
        "rvg_fifo": fifo(),
        "rvg_credit_fifo": credit_fifo(),
        "rvg_stream_upsize": stream_upsize(),
        "rvg_stream_downsize": stream_downsize(),
        "rvg_width_converter": width_converter(),
        "rvg_replay": replay(),
        "rvg_in_turn": in_turn(),
        "rvg_frame_check": frame_check(),
        "rvg_output_map": output_map(),
        "rvg_ram_1r1w": ram_1r1w(),
        "rvg_ram_1r1w_ultra": ram_1r1w(),
        "rvg_rom": rom(tmp_path),
        "rvg_read_ahead": read_ahead(),
        "rvg_constant": constant(tmp_path),
    }
    check_all(tmp_path, units)
