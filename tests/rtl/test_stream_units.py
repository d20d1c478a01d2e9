"""The units that only move beats, each under four patterns of stalls."""

from __future__ import annotations

from pathlib import Path

from units import check


def test_stream_reg(tmp_path: Path) -> None:
    check(tmp_path, "rvg_stream_reg", {"w1": {"WIDTH": 1}, "w8": {"WIDTH": 8}, "w130": {"WIDTH": 130}})


def test_fifo(tmp_path: Path) -> None:
    check(tmp_path, "rvg_fifo", {f"d{depth}": {"WIDTH": 9, "DEPTH": depth} for depth in (1, 2, 3, 8, 13)})


def test_credit_fifo(tmp_path: Path) -> None:
    shapes = ((1, 1), (4, 1), (5, 2), (8, 8), (21, 5))
    check(tmp_path, "rvg_credit_fifo", {f"d{d}s{s}": {"WIDTH": 8, "DEPTH": d, "SET": s} for d, s in shapes})


def test_stream_upsize(tmp_path: Path) -> None:
    check(tmp_path, "rvg_stream_upsize", {f"r{ratio}": {"IN_W": 5, "RATIO": ratio} for ratio in (1, 2, 3, 7)})


def test_stream_downsize(tmp_path: Path) -> None:
    check(
        tmp_path, "rvg_stream_downsize", {f"r{ratio}": {"OUT_W": 5, "RATIO": ratio} for ratio in (1, 2, 3, 7)}
    )


def test_width_converter(tmp_path: Path) -> None:
    pairs = ((1, 1), (4, 4), (1, 6), (6, 1), (2, 3), (3, 2), (4, 6), (12, 8), (5, 7))
    cases = {f"from{a}to{b}": {"LANE_W": 4, "IN_LANES": a, "OUT_LANES": b} for a, b in pairs}
    check(tmp_path, "rvg_width_converter", cases)


def test_replay(tmp_path: Path) -> None:
    shapes = ((1, 1), (1, 3), (2, 1), (3, 2), (4, 5))
    check(tmp_path, "rvg_replay", {f"w{w}r{r}": {"WIDTH": 7, "WORDS": w, "REPEATS": r} for w, r in shapes})


def test_frame_check(tmp_path: Path) -> None:
    check(tmp_path, "rvg_frame_check", {f"b{beats}": {"BEATS": beats} for beats in (1, 2, 5, 16)})


def test_output_map(tmp_path: Path) -> None:
    shapes = ((1, 8, 1), (1, 5, 7), (3, 4, 16), (4, 8, 6))
    cases = {f"l{n}w{w}b{b}": {"LANES": n, "X_W": w, "BEATS": b} for n, w, b in shapes}
    check(tmp_path, "rvg_output_map", cases)


def test_ram_1r1w(tmp_path: Path) -> None:
    check(tmp_path, "rvg_ram_1r1w", {f"d{depth}": {"WIDTH": 11, "DEPTH": depth} for depth in (1, 2, 5, 16)})


def test_rom_and_constant(tmp_path: Path) -> None:
    roms: dict[str, dict[str, int | bool | str]] = {}
    for depth, width in ((1, 3), (5, 12), (16, 70)):
        words = [f"{(i * 0x9E3779B97F4A7C15F39CC0605CEDC835 >> 3) % (1 << width):x}" for i in range(depth)]
        (tmp_path / f"table{depth}.mem").write_text("\n".join(words) + "\n")
        roms[f"d{depth}"] = {"WIDTH": width, "DEPTH": depth, "FILE": f"table{depth}.mem"}
    check(tmp_path, "rvg_rom", roms)
    (tmp_path / "one.mem").write_text("2a\n")
    check(tmp_path, "rvg_constant", {"one": {"WIDTH": 6, "FILE": "one.mem"}})
