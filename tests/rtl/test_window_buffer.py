"""window_buffer: strides, odd maps, single pixels and the windows of Winograd's tiles."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all


def shape(
    height: int,
    width: int,
    words: int = 1,
    kernel: int = 3,
    step: int = 1,
    bits: int = 8,
    stride: int = 0,
    read_rows: int = 0,
) -> dict[str, int]:
    """Parameters of a buffer that covers the map's convolution.

    stride     the convolution's, if not the step
    read_rows  of a column at once, if not all
    """
    stride = stride or step
    outputs_per_tile = step // stride
    tiles = [-(-((size - 1) // stride + 1) // outputs_per_tile) for size in (height, width)]
    return {
        "BEAT_W": bits, "WORDS": words, "HEIGHT": height, "WIDTH": width, "KERNEL": kernel, "STEP": step,
        "TILES_Y": tiles[0], "TILES_X": tiles[1], "READ_ROWS": read_rows or kernel,
    }  # fmt: skip


def of_3x3() -> Trials:
    cases = {
        "s1_8x8": shape(8, 8),
        "s1_5x7": shape(5, 7),
        "s1_1x1": shape(1, 1),
        "s1_1x6": shape(1, 6),
        "s1_6x1": shape(6, 1),
        "s1_2x2": shape(2, 2),
        "s1_4x5_w2": shape(4, 5, words=2),
        "s1_3x3_w5": shape(3, 3, words=5),
        "s1_1x1_w3": shape(1, 1, words=3),
        "s2_8x8": shape(8, 8, step=2),
        "s2_7x5": shape(7, 5, step=2),
        "s2_5x6_w3": shape(5, 6, words=3, step=2),
        "s2_1x1": shape(1, 1, step=2),
        "s2_2x2_w2": shape(2, 2, words=2, step=2),
    }
    faults = {
        "changes": Fault("s1_5x7", "= !window_valid_q || m_axis_tready;", "= 1'b1;", "a beat did not stay"),
        "twice": Fault("s1_4x5_w2", "held_valid_q && held_complete_q;", "held_valid_q;"),
        "lost": Fault("s1_8x8", "assign s_axis_tready = !free_q[BANK_W];", "assign s_axis_tready = 1'b1;",
                      "over one that is kept"),
        "a_bank_too_many": Fault("s1_8x8", "<= (BANK_W+1)'(BANKS - 1);", "<= (BANK_W+1)'(BANKS);",
                                 "than there are"),
        "too_early": Fault("s1_5x7", "lack_q[BANK_W] && enable", "enable",
                           "more rows left than had come"),
    }  # fmt: skip
    return Trials(cases, faults)


def of_tiles() -> Trials:
    cases = {
        "f2_8x8": shape(8, 8, kernel=4, step=2, stride=1, bits=4),
        "f4_8x12": shape(8, 12, kernel=6, step=4, stride=1, bits=4),
        "f4_7x6_w2": shape(7, 6, words=2, kernel=6, step=4, stride=1, bits=4),
        "f7_14x7": shape(14, 7, kernel=9, step=7, stride=1, bits=4),
        "f3_1x1": shape(1, 1, kernel=5, step=3, stride=1, bits=4),
        "f4s2_16x9": shape(16, 9, kernel=9, step=8, stride=2, bits=4),
    }
    return Trials(cases)


def of_parts() -> Trials:
    """Columns that are read in parts, one row at a time or several."""
    cases = {
        "s1_5x7": shape(5, 7, read_rows=1),
        "s1_1x1": shape(1, 1, read_rows=1),
        "s1_2x1_w2": shape(2, 1, words=2, read_rows=1),
        "s1_4x5_w3": shape(4, 5, words=3, read_rows=1),
        "s2_7x5": shape(7, 5, step=2, read_rows=1),
        "s2_2x6_w2": shape(2, 6, words=2, step=2, read_rows=1),
        "f2_7x6": shape(7, 6, kernel=4, step=2, stride=1, bits=4, read_rows=1),
        "f2_6x7_by_2": shape(6, 7, kernel=4, step=2, stride=1, bits=4, read_rows=2),
        "f4_9x8_by_3_w2": shape(9, 8, words=2, kernel=6, step=4, stride=1, bits=4, read_rows=3),
        "f4_11x5_by_2": shape(11, 5, kernel=6, step=4, stride=1, bits=4, read_rows=2),
        "f4_6x6": shape(6, 6, kernel=6, step=4, stride=1, bits=4, read_rows=1),
        "f4s2_16x9_by_3": shape(16, 9, kernel=9, step=8, stride=2, bits=4, read_rows=3),
    }
    faults = {
        "a_part_twice": Fault("s1_5x7", "slot_q + 1'b1;", "slot_q;"),
        "wrong_lane": Fault("f4_9x8_by_3_w2", "(next_wraps)", "(1'b0)"),
        "wrong_part": Fault("f4_9x8_by_3_w2", "held_part_q[ky / READ_ROWS]", "held_part_q[0]"),
        "inside_of_another": Fault("s1_4x5_w3", "? top_q : row_q + ROW_W'(READ_ROWS)", "? top_q : row_q"),
        "read_slot": Fault(
            "f2_6x7_by_2", "? slot_after : rd_slot", "? rd_slot : rd_slot", module="rvg_window_rows"
        ),
        "written_slot": Fault("s1_5x7", "'0 : wr_slot_q + 1'b1", "'0 : wr_slot_q", module="rvg_window_rows"),
    }
    return Trials(cases, faults)


def test_window_buffer_3x3(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_window_buffer": of_3x3()})


def test_window_buffer_of_tiles(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_window_buffer": of_tiles()})


def test_window_buffer_of_parts(tmp_path: Path) -> None:
    check_all(tmp_path, {"rvg_window_buffer": of_parts()})
