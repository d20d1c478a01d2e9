"""What the engine's input unit and its parts refuse, and with what they are linted: see limits.py."""

from __future__ import annotations

from repvgg_hw.plan.engine.kinds import engine_widths

Parameters = dict[str, int]


def widths(n: int) -> Parameters:
    found = engine_widths(n, 24)
    return {"N": n, "MIDDLE_W": found.middle, "DATA_W": found.data}


SHAPES = ((3, 3, 16, 16), (5, 1, 2, 64), (9, 2, 128, 8))  # N, PI, LINE_DEPTH, BD
POSITIVE = "parameter_below_1"
SIZE = "n_must_be_3_5_7_or_9"
DEPTH = "line_depth_must_be_a_power_of_two_from_2"
BYTES = "bytes_of_a_beat_must_be_a_power_of_two_from_2"
NARROWS = "no_pass_narrows"

LINT: dict[str, list[Parameters]] = {
    "rvg_engine_loader": [{"N": n, "PI": pi, "LINE_DEPTH": depth} for n, pi, depth, _ in SHAPES],
    "rvg_engine_row_banks": [
        {"N": n, "PI": pi, "LINE_DEPTH": depth, "BD": bd} for n, pi, depth, bd in SHAPES
    ],
    "rvg_engine_windows": [
        {"N": n, "WORD_DEPTH": 40, "LINE_DEPTH": depth, "BD": bd} for n, _, depth, bd in SHAPES
    ],
    "rvg_engine_data_transform": [{"PI": pi, **widths(n)} for n, pi, _, _ in SHAPES],
    "rvg_engine_input": [
        {"PI": pi, "LINE_DEPTH": depth, "BD": bd, **widths(n)} for n, pi, depth, bd in SHAPES
    ],
}
RED: dict[str, list[tuple[Parameters, str]]] = {
    "rvg_engine_loader": [],
    "rvg_engine_row_banks": [({"LINE_DEPTH": 12}, DEPTH), ({"BD": 12}, BYTES)],
    "rvg_engine_windows": [
        ({"T_MAX": 0}, POSITIVE),
        ({"BD": 0}, POSITIVE),
        ({"WORD_DEPTH": -1}, POSITIVE),
        ({"N": 4}, SIZE),
        ({"N": 11}, SIZE),
    ],
    "rvg_engine_data_transform": [
        ({"PI": 0}, POSITIVE),
        ({"MIDDLE_W": 8}, NARROWS),
        ({"DATA_W": 11}, NARROWS),
    ],
    "rvg_engine_input": [
        ({"WORD_DEPTH": -1}, POSITIVE),
        ({"N": 4}, SIZE),
        ({"LINE_DEPTH": 12}, DEPTH),
        ({"DATA_W": 11}, NARROWS),
    ],
}
LEGAL: dict[str, list[Parameters]] = {
    "rvg_engine_row_banks": [{"LINE_DEPTH": 2, "BD": 2}],
    "rvg_engine_windows": [{"T_MAX": 1, "SETS": 1}],
    "rvg_engine_input": [{"LINE_DEPTH": 2, "BD": 2, "T_MAX": 1, "WORD_DEPTH": 1}],
}
