"""The engine's control units: what they are linted with, and what they refuse."""

from __future__ import annotations

LINT = {
    "rvg_engine_sequencer": [
        {"T_MAX": t, "WORD_DEPTH": depth} for t, depth in ((1, 1), (4, 24), (5, 30), (16, 1024))
    ],
    "rvg_engine_words": [
        *({"WIDTH": 8, "WORD_DEPTH": depth} for depth in (1, 5, 24)),
        {"WIDTH": 8, "WORD_DEPTH": 24, "WORD_URAM": 1},
    ],
    "rvg_engine_fetch": [{"BW": width} for width in (8, 16, 32, 64)],
    "rvg_engine_control": [{}],
    "rvg_engine_check": [{}, {"PI": 255, "PO": 255, "T_MAX": 16, "LINE_DEPTH": 65536, "BD": 64, "BW": 64}],
}
POSITIVE = "parameter_below_1"
RED = {
    "rvg_engine_sequencer": [({"T_MAX": -1}, POSITIVE), ({"WORD_DEPTH": -1}, POSITIVE)],
    "rvg_engine_control": [],
    "rvg_engine_check": [
        *(({name: 0}, POSITIVE) for name in ("PI", "PO", "LINE_DEPTH", "OUT_WORDS", "C_MAX")),
        ({"T_MAX": 17}, "strip_of_1_to_16_tiles"),
        ({"BD": 12}, "bytes_of_a_beat_are_a_power_of_two"),
        ({"BW": 1}, "bytes_of_a_beat_are_a_power_of_two"),
    ],
    "rvg_engine_words": [({"WIDTH": -1}, POSITIVE), ({"WORD_DEPTH": -1}, POSITIVE)],
    "rvg_engine_fetch": [({"BW": width}, "port_of_8_16_32_or_64_bytes") for width in (4, 12, 128)],
}
LEGAL = {
    "rvg_engine_sequencer": [{"T_MAX": 1, "WORD_DEPTH": 1}],
    "rvg_engine_fetch": [{"BW": 64}],
}
