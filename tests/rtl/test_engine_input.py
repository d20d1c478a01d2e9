"""The engine's input unit against golden tiles, and faults that its bench finds; other sizes: test-long."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

from repvgg_hw.plan.engine.kinds import engine_widths

LOADER, BANKS = "rvg_engine_loader", "rvg_engine_row_banks"
WINDOWS, TRANSFORM = "rvg_engine_windows", "rvg_engine_data_transform"


def unit(n: int, **changed: int) -> dict[str, int]:
    widths = engine_widths(n, 24)
    parameters = {"N": n, "PI": 1, "T_MAX": 6, "WORD_DEPTH": 5, "LINE_DEPTH": 16, "BD": 8}
    return {**parameters, "MIDDLE_W": widths.middle, "DATA_W": widths.data, **changed}


def two(n: int) -> Trials:
    """Two channels a word, two sets of rows in the banks at most."""
    return Trials({"two": unit(n, PI=2, WORD_DEPTH=10, LINE_DEPTH=4, BD=16)})


def five() -> Trials:
    cases = {
        "one": unit(5),
        "tight": unit(5, LINE_DEPTH=2),
        "three": unit(5, PI=3, LINE_DEPTH=8, BD=4, WORD_DEPTH=7, T_MAX=16),
    }
    faults = {
        "top": Fault("one", "= first_ty && s_cmd_tdata[rvg_engine_pkg::TOP];", "= 1'b0;",
                     module=LOADER),
        "bottom": Fault("one", "r < N - int'(next_below)", "r <= N - int'(next_below)", module=WINDOWS),
        "x_limit": Fault("one", "x_q < limit_q ?", "x_q <= limit_q ?", module=WINDOWS),
        "left": Fault("one", "!x_q[X_W-1] && x_q < limit_q", "x_q < limit_q || x_q[X_W-1]", module=WINDOWS),
        "overlap": Fault("one", "x_q - X_W'(!stride2_q)", "x_q - X_W'(1)", module=WINDOWS),
        "ring": Fault("one", "base_q    <= base_q + PTR_W'(beats_q);",
                      "base_q    <= base_q + PTR_W'(beats_q + 1'b1);",                      module=WINDOWS),
        "ring_full": Fault("tight", "&& {1'b0, free_q} >= needed;", ";", "more room is free than there is",
                           module=LOADER, silent=True),
        "not_shared": Fault("one", "r < 2 && shared > 2'(r)", "1'b0", module=BANKS),
        "one_shared": Fault("one", "r < 2 && shared", "r < 1 && shared", module=BANKS),
        "shared_here": Fault("one", "mem[wr_next ? next_addr : wr_addr_q]", "mem[wr_addr_q]", module=BANKS),
        "no_room_to_share": Fault("tight", "= shared != '0 ? {line_beats, 1'b0} :", "= 1'b0 ? '0 :",
                                  module=LOADER, stalls="idle"),
        "none_of_its_own": Fault("one", "!= 8'(N - 2);", "!= '1;", module=LOADER),
        "dependency": Fault("one", "stored_channels > channel_q", "stored_channels >= channel_q",
                            module=LOADER),
        "instruction": Fault("one", "ahead != '0 && !ahead[15]", "!ahead[15]", module=LOADER),
        "stale": Fault("one", "state_q    <= WAIT;", "state_q    <= ROW;", module=LOADER),
        "no_room": Fault("one", "new_set      = boundary && room_q != '0", "new_set      = boundary",
                         module=WINDOWS),
        "no_more_room": Fault("one", "same_set     = boundary && room_q != '0", "same_set     = boundary",
                              module=WINDOWS, stalls="idle"),
        "moves_on": Fault("one", "if (active_q && window_q) x_q", "if (active_q) x_q", module=WINDOWS,
                          stalls="idle"),
        "half_ring": Fault("one", "== WORD_A'(WORD_DEPTH - 1) ? '0", "== WORD_A'(WORD_DEPTH/2) ? '0"),
        "signed": Fault("one", "{rd_signed && pixel[7], pixel}", "{1'b0, pixel}", module=BANKS),
        "stride": Fault("one", "out_stride2 = first_q ? in_stride2_q", "out_stride2 = first_q ? stride2_q",
                        module=TRANSFORM, stalls="flowing"),
        "late": Fault("one", "new_set      = boundary &&", "new_set      = !active_q &&",
                      module=WINDOWS, stalls="flowing"),
        "turned": Fault("one", "= up_q ^ first_q;", "= 1'b0;", module=TRANSFORM),
        "lanes": Fault("three", "= lane_q == lanes - 1'b1;\n  assign skip",
                       "= lane_q == LANE_W'(PI - 1);\n  assign skip",
                       module=LOADER),
        "plane": Fault("three", "lane_addr_q <= lane_addr_q + plane;", "lane_addr_q <= lane_addr_q + pitch;",
                       module=LOADER),
        "linear": Fault("one", "TAKE: begin\n        number_q <= number_q + 1'b1;",
                        "TAKE: begin\n        number_q <= number_q + 16'(conv);", module=LOADER),
        "changes": Fault("one", "= state_q == TAKE;", "= state_q == TURN;", module=LOADER),
        "given_back": Fault("one", "- ROOM_W'(start);", ";",
                            "a word was given back that was not taken", module=WINDOWS),
        "unknown": Fault("one", "- COUNT_W'(new_set);", ";",
                         "a set stands in the banks of which nothing is known",
                         module=WINDOWS),
        "row": Fault("one", "lane_end      = line_end && row_q == rows - 1'b1;",
                     "lane_end      = line_end && row_q == '1;",
                     "a row is none of the window's", module=BANKS),
    }  # fmt: skip
    return Trials(cases, faults)


def test_input(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_engine_input": five()})
