"""Proofs by induction, for all inputs, pauses and resets at any time, of the units that hold data in flight.

What is asserted comes from the units' headers: `contracts.sv` and one harness per unit. A harness sees only
the ports of its unit; the last part, `inside`, says of the registers what induction needs to know, and is
proven with the rest. Faults are refuted without that part: the contract alone finds them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import prover
import pytest
from quick import slow, some

from repvgg_hw.files import environment
from repvgg_hw.targets.verilog.emit import library_sources

pytestmark = prover.needs_prover

Parameters = dict[str, int]
HERE = Path(__file__).parent
PREFIX = "rvg_"  # of the library's modules

# By its header, the RAM gives anything when one address is read and written at once: no user may need more.
RAM = ("rd_data <= mem[rd_addr]", "rd_data <= wr_en && wr_addr == rd_addr ? $anyseq : mem[rd_addr]")


def windows(
    height: int,
    width: int,
    words: int = 1,
    kernel: int = 3,
    step: int = 1,
    stride: int = 0,
    read_rows: int = 0,
) -> Parameters:
    """Window buffer of a convolution with padding 1.

    stride     of the convolution, where a step is a tile
    read_rows  of a column at once, if not all
    """
    per_tile = step // (stride or step)
    tiles = [-(-((size - 1) // (stride or step) + 1) // per_tile) for size in (height, width)]
    return {
        "HEIGHT": height, "WIDTH": width, "WORDS": words, "KERNEL": kernel, "STEP": step,
        "TILES_Y": tiles[0], "TILES_X": tiles[1], "READ_ROWS": read_rows or kernel,
    }  # fmt: skip


def raster(
    m: int, height: int, width: int, channels: int, in_lanes: int = 1, out_lanes: int = 1
) -> Parameters:
    """Raster buffer behind tiles of m x m outputs, reserved by IN_LANES channels, two or three buffers."""
    return {
        "M": m, "HEIGHT": height, "WIDTH": width, "CHANNELS": channels, "SET_CHANNELS": in_lanes,
        "IN_LANES": in_lanes, "OUT_LANES": out_lanes, "BUFFERS": 2 + channels % 2,
    }  # fmt: skip


def lanes(in_lanes: int, out_lanes: int) -> Parameters:
    """Width converter: UP beats are gathered into one, which is split into DOWN."""
    wide = math.lcm(in_lanes, out_lanes)
    return {"IN_LANES": in_lanes, "OUT_LANES": out_lanes, "UP": wide // in_lanes, "DOWN": wide // out_lanes}


def sums(words: int, pixels: int, depth: int) -> Parameters:
    return {"WORDS": words, "PIXELS": pixels, "FIFO_DEPTH": depth}


# Unit, and parameter sets that are proven in one run.
PROVEN: dict[str, tuple[str, list[Parameters]]] = {
    "fifo": ("fifo", [{"DEPTH": depth} for depth in (1, 2, 3, 4, 5)]),
    "stream_reg": ("stream_reg", [{}]),
    "credit_fifo": (
        "credit_fifo",
        [{"DEPTH": d, "SET": s} for d, s in ((1, 1), (3, 1), (4, 2), (5, 2), (3, 3))],
    ),
    "replay": (
        "replay",
        [{"WORDS": w, "REPEATS": r} for w, r in ((1, 1), (1, 3), (2, 2), (3, 1), (3, 3), (4, 2))],
    ),
    "width_converter": (
        "width_converter",
        [lanes(i, o) for i, o in ((1, 2), (1, 3), (2, 1), (3, 1), (2, 3), (3, 2))],
    ),
    "global_sum": ("global_sum", [sums(1, 1, 1), sums(1, 3, 2), sums(3, 1, 2), sums(2, 4, 3)]),
    "tile_to_raster": (
        "tile_to_raster",
        [
            raster(2, 3, 3, 1),
            raster(2, 2, 2, 2, out_lanes=2),
            raster(3, 4, 2, 2) | {"SET_CHANNELS": 2},
            raster(2, 3, 2, 4, in_lanes=2, out_lanes=4),
        ],
    ),
    "windows that slide": ("window_buffer", [windows(4, 4)]),
    "windows of stride 2": ("window_buffer", [windows(5, 5, step=2)]),
    "windows of words": ("window_buffer", [windows(3, 3, words=2)]),
    "windows of words, stride 2": ("window_buffer", [windows(4, 4, words=2, step=2)]),
    "windows larger than the map": (
        "window_buffer",
        [windows(1, 1), windows(1, 2, step=2), windows(2, 2, words=3)],
    ),
    "windows in parts": ("window_buffer", [windows(4, 3, read_rows=1)]),
    "windows in parts, stride 2": ("window_buffer", [windows(3, 4, words=2, step=2, read_rows=1)]),
    "windows of Winograd in parts": (
        "window_buffer",
        [windows(5, 2, kernel=4, step=2, stride=1, read_rows=r) for r in (1, 2)],
    ),
    "windows of Winograd": ("window_buffer", [windows(5, 3, kernel=4, step=2, stride=1)]),
    "windows of Winograd, stride 2": ("window_buffer", [windows(5, 3, kernel=5, step=4, stride=2)]),
}

LONG = {
    "windows of stride 2", "windows of words", "windows of words, stride 2", "windows larger than the map",
    "windows of Winograd, stride 2", "windows in parts, stride 2", "windows of Winograd in parts",
}  # fmt: skip

CREDITS = {"DEPTH": 4, "SET": 2}
REPLAY = {"WORDS": 2, "REPEATS": 2}
COLUMN = windows(4, 1)

ROW = raster(2, 3, 1, 1) | {"BUFFERS": 2}

# Unit, parameters, cycles in which it must show, the sound text, the faulty text. The unit's file holds the
# text, or that of a unit it is made of: "unit: module".
FAULTS: dict[str, tuple[str, Parameters, int, str, str]] = {
    "fifo skips a place": ("fifo", {"DEPTH": 3}, 6, "wr_ptr_q + 1'b1", "wr_ptr_q + 2'd2"),
    "fifo uses a place that it lacks": ("fifo", {"DEPTH": 3}, 6, "LAST = PTR_W'(DEPTH - 1)", "LAST = '1"),
    "fifo full too late": ("fifo", {"DEPTH": 2}, 6, "COUNT_W'(DEPTH - 1)", "COUNT_W'(DEPTH)"),
    "fifo full too early": ("fifo", {"DEPTH": 3}, 6, "COUNT_W'(DEPTH - 1)", "COUNT_W'(DEPTH - 2)"),
    "fifo miscounts": ("fifo", {"DEPTH": 3}, 6, "if (push != pop)", "if (push || pop)"),
    "fifo does not hold": ("fifo", {"DEPTH": 3}, 6, "m_axis_tvalid && m_axis_tready", "m_axis_tvalid"),
    "stream_reg does not hold": (
        "stream_reg", {}, 6, "m_axis_tready || !m_axis_tvalid", "m_axis_tready || skid_valid_q",
    ),
    "stream_reg loses": ("stream_reg", {}, 6, "skid_valid_q || s_axis_tvalid", "s_axis_tvalid"),
    "stream_reg overtakes": (
        "stream_reg", {}, 6, "skid_valid_q ? skid_data_q : s_axis_tdata", "s_axis_tdata",
    ),
    "stream_reg ready from its consumer": (
        "stream_reg", {}, 6, "tready = !skid_valid_q", "tready = !skid_valid_q && m_axis_tready",
    ),
    "credit too many": (
        "credit_fifo", CREDITS, 9, "SPARE_W'(DEPTH - SET)", "SPARE_W'(DEPTH - SET + 1)",
    ),
    "credit of one beat per set": ("credit_fifo", CREDITS, 9, ": SPARE_W'(SET))", ": SPARE_W'(1))"),
    "start with room for less": (
        "credit_fifo", CREDITS, 9, "!spare_q[SPARE_W-1]", "spare_q >= SPARE_W'(-1)",
    ),
    "a start and a beat in one cycle gain room": (
        "credit_fifo", CREDITS, 9, "SPARE_W'(SET - 1)", "SPARE_W'(SET - 2)",
    ),
    "credit lost where none starts": ("credit_fifo", CREDITS, 9, "SPARE_W'(pop)", "SPARE_W'(1'b0)"),
    "credit back before the beat is taken": (
        "credit_fifo", CREDITS, 9, "pop      = m_axis_tvalid && m_axis_tready", "pop      = m_axis_tvalid",
    ),
    "replay a round short": ("replay", REPLAY, 9, "rd_final_q    <= REPEATS == 1", "rd_final_q    <= 1'b1"),
    "replay leaves a set early": ("replay", REPLAY, 9, "pop && rd_last_q && rd_final_q", "pop && rd_final_q"),
    "replay overwrites": (
        "replay", REPLAY, 9, "wr_addr_q == ADDR_W'(DEPTH - 1) ? '0", "wr_addr_q == ADDR_W'(WORDS - 1) ? '0",
    ),
    "replay does not hold": ("replay", REPLAY, 9, "!m_axis_tvalid || m_axis_tready", "1'b1"),
    "replay stores one set": ("replay", REPLAY, 9, "s_axis_tready = !both_q", "s_axis_tready = !some_q"),
    "replay never full": ("replay", REPLAY, 9, "s_axis_tready = !both_q", "s_axis_tready = 1'b1"),
    "upsize overwrites": (
        "width_converter: stream_upsize", lanes(1, 2), 9, "!full_q || slice_ready", "1'b1",
    ),
    "upsize waits without cause": (
        "width_converter: stream_upsize", lanes(1, 2), 9, "!full_q || slice_ready", "!full_q",
    ),
    "downsize drops": (
        "width_converter: stream_downsize", lanes(2, 1), 9, "tready && count_q == LAST", "tready",
    ),
    "downsize counts too soon": (
        "width_converter: stream_downsize", lanes(2, 1), 9, "m_axis_tvalid && m_axis_tready", "m_axis_tready",
    ),
    "gathers too few": ("width_converter", lanes(2, 3), 9, "OUT_LANES / gcd", "IN_LANES / gcd"),
    "sum of two frames": ("global_sum", sums(2, 2, 2), 9, "first_pixel ? '0 : sums", "1'b0 ? '0 : sums"),
    "sum of one word, of two frames": (
        "global_sum", sums(1, 2, 2), 9, "first_q ? '0 : sum_q", "1'b0 ? '0 : sum_q",
    ),
    "sum of another word": (
        "global_sum", sums(2, 2, 2), 9, "sums[sum_word_q] <= total", "sums[word_q] <= total",
    ),
    "sum a pixel short": ("global_sum", sums(2, 2, 2), 9, "PIXEL_W'(PIXELS - 1)", "PIXEL_W'(PIXELS - 2)"),
    "sum lost when full": ("global_sum", sums(1, 1, 1), 9, "tready = sum_ready", "tready = 1'b1"),
    "reserved the wrong way": ("tile_to_raster", ROW, 9, "free_q - COUNT_W'(", "free_q + COUNT_W'("),
    "reserved too many": ("tile_to_raster", ROW, 9, "<= COUNT_W'(BUFFERS)", "<= COUNT_W'(BUFFERS + 1)"),
    "reserved per set": ("tile_to_raster", raster(2, 2, 1, 2), 9, "start && set_q == '0", "start"),
    "released after one line": ("tile_to_raster", ROW, 14, "beats_done && rows_done;", "beats_done;"),
    "the wrong buffer": ("tile_to_raster", ROW, 12, "wr_base_q == LAST_BASE", "wr_base_q == '0"),
    "not back to the tile": (
        "tile_to_raster", raster(2, 2, 1, 2, out_lanes=2), 12, "wr_place_q - COL_BACK;", "wr_place_q;",
    ),
    "not to the next word": (
        "tile_to_raster", raster(2, 2, 1, 2), 12, "- COL_BACK + 1'b1;", "- COL_BACK;",
    ),
    "a tile too far": ("tile_to_raster", raster(2, 2, 4, 1), 12, "wr_place_q + 1'b1;", "wr_place_q + 2'd2;"),
    "the first line twice": (
        "tile_to_raster", raster(2, 2, 1, 2, out_lanes=2), 12, "data_q <= rd_row_q", "data_q <= '0",
    ),
    "a line behind its word": (
        "tile_to_raster", raster(2, 2, 1, 2, out_lanes=2), 12, "<= row_of_data_q", "<= rd_row_q",
    ),
    "a word overtakes": ("tile_to_raster", ROW, 12, "word_q        <= rd_data", "word_q        <= word_q"),
    "freed before it is read": ("tile_to_raster", ROW, 14, "+ COUNT_W'(released)", "+ COUNT_W'(pop)"),
    "raster does not hold": ("tile_to_raster", ROW, 9, "!m_axis_tvalid || m_axis_tready", "1'b1"),
    "row read before it is written": (
        "window_buffer", COLUMN, 12, "(BANK_W+1)'(MORE_ROWS - 1)", "(BANK_W+1)'(MORE_ROWS - 2)",
    ),
    "row released early": ("window_buffer", COLUMN, 14, "top_q + ROW_W'(STEP - 1)", "top_q + ROW_W'(STEP)"),
    "row released never": ("window_buffer", windows(1, 1), 11, "row_done ? release_q", "1'b0 ? release_q"),
    "rows of the next row of windows": (
        "window_buffer", COLUMN, 14, "(BANK_W+1)'(next_more_q)", "(BANK_W+1)'(more_q)",
    ),
    "row kept too long": (
        "window_buffer", windows(1, 1), 11, "last_row ? ROW_W'(HEIGHT)", "last_row ? ROW_W'(HEIGHT - 1)",
    ),
    "ring larger than it is": (
        "window_buffer", COLUMN, 14, "(BANK_W+1)'(BANKS - 1)", "(BANK_W+1)'(BANKS)",
    ),
    "ring smaller than it is": (
        "window_buffer", COLUMN, 11, "s_axis_tready = !free_q[BANK_W]", "s_axis_tready = free_q > 0",
    ),
    "window does not hold": ("window_buffer", COLUMN, 12, "!window_valid_q || m_axis_tready", "1'b1"),
    "no padding below": (
        "window_buffer", windows(1, 1), 11, "row <= ROW_W'(HEIGHT)", "row <= ROW_W'(HEIGHT + 1)",
    ),
    "no padding on the right": (
        "window_buffer", windows(1, 1), 11, "col_q <= COL_W'(WIDTH)", "col_q <= COL_W'(WIDTH + 1)",
    ),
    "row begins elsewhere": ("window_buffer", windows(1, 3), 12, "(ADDR_W+2)'(-WORDS)", "(ADDR_W+2)'(WORDS)"),
    "a column too many": ("window_buffer", windows(1, 2), 12, "SLIDE && STEP == 1", "1'b0"),
}  # fmt: skip


def sources(unit: str, cases: Sequence[Parameters], *, inside: bool) -> dict[str, str]:
    """The unit, what it is made of, and a harness for each set of parameters."""
    files = {path.name: path.read_text() for path in library_sources({PREFIX + unit})}
    if (ram := f"{PREFIX}ram_1r1w.sv") in files:
        files[ram] = changed(files[ram], *RAM)
    files["contracts.sv"] = (HERE / "contracts.sv").read_text()
    templates = environment(HERE)
    names = [f"{unit}_{number}" for number in range(len(cases))]
    for name, parameters in zip(names, cases, strict=True):
        harness = templates.get_template(f"{unit}.sv.j2")
        files[f"{name}.sv"] = harness.render(name=name, unit=PREFIX + unit, inside=inside, **parameters)
    files["all.sv"] = templates.get_template("all.sv.j2").render(names=names)
    return files


def changed(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not there any more: adapt the test"
    return text.replace(old, new)


@pytest.mark.parametrize("name", [slow(name) if name in LONG else name for name in PROVEN])
def test_proven(tmp_path: Path, name: str) -> None:
    unit, cases = PROVEN[name]
    prover.prove(tmp_path, sources(unit, cases, inside=True), unbounded=True)


@pytest.mark.parametrize("name", some(FAULTS, 24))
def test_fault_refuted(tmp_path: Path, name: str) -> None:
    unit, parameters, cycles, old, new = FAULTS[name]
    unit, _, module = unit.partition(": ")
    files = sources(unit, [parameters], inside=False)
    file = f"{PREFIX}{module or unit}.sv"
    prover.refute(tmp_path, files | {file: changed(files[file], old, new)}, cycles=cycles)
