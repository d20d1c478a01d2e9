"""The engine's compute units: what they are linted with, and what they refuse."""

from __future__ import annotations

from test_engine_compute_units import array, output, weights

SHAPES = ((3, 2, 4, 2, 5), (5, 1, 1, 1, 1), (9, 1, 2, 1, 16))  # N, PI, PO, LANES, T_MAX
OUTPUTS = [output(n, po, lanes, tiles) for n, _, po, lanes, tiles in SHAPES]
WEIGHTS = [weights(3, 2, 4, 16, 1, 5), weights(5, 1, 1, 8, 8, 9), weights(9, 1, 2, 8, 4, 9)]
WEIGHTS += [weights(7, 1, 6, 64, 1, 1)]


def only(names: str, cases: list[dict[str, int]]) -> list[dict[str, int]]:
    """These parameters of each case."""
    return [{name: case[name] for name in names.split()} for case in cases]


LINT = {
    "rvg_engine_weights": WEIGHTS,
    "rvg_engine_kernels": only("PI PO BW SETS BLOCK_BEATS ACC_W", WEIGHTS),
    "rvg_engine_weight_lane": only("N WMIDDLE_W WEIGHT_W", WEIGHTS),
    "rvg_engine_array": [array(*shape) for shape in SHAPES],
    "rvg_engine_accumulators": [
        {"PI": pi, "T_MAX": tiles} for pi, tiles in ((1, 1), (2, 2), (3, 5), (9, 1), (10, 16))
    ],
    "rvg_engine_output": OUTPUTS,
    "rvg_engine_drain": only("N PO LANES T_MAX", OUTPUTS),
    "rvg_engine_tile": only("N ACC_W SHIFT1 SHIFT2", OUTPUTS),
}
POSITIVE = "parameter_below_1"
LANES = "lanes_must_divide_po"
DIVIDER = "dividers_have_at_most_32_bits"
WIDENS = "every_pass_widens"
BLOCK = "block_smaller_than_its_sets"
RED = {
    "rvg_engine_weights": [({"SETS": 5}, BLOCK), ({"WEIGHT_W": 10}, WIDENS)],
    "rvg_engine_kernels": [
        ({"SETS": 5}, BLOCK), ({"BW": 7}, BLOCK), ({"ACC_W": 33}, "bias_has_32_bits"), ({"PI": 0}, POSITIVE),
    ],
    "rvg_engine_weight_lane": [({"WEIGHT_W": 10}, WIDENS), ({"WMIDDLE_W": 7}, WIDENS)],
    "rvg_engine_array": [({"PO": 3, "LANES": 2}, LANES), ({"N": 2}, POSITIVE)],
    "rvg_engine_accumulators": [({"T_MAX": -1}, POSITIVE)],
    "rvg_engine_output": [
        ({"PO": 3, "LANES": 2}, LANES), ({"ACC_W": 33}, DIVIDER), ({"SHIFT1": -1}, DIVIDER),
        ({"SHIFT2": -1}, DIVIDER), ({"ACC_W": 7}, POSITIVE),
    ],
    "rvg_engine_drain": [
        ({"PO": 3, "LANES": 2}, LANES), ({"PO": 256}, LANES), ({"N": 2}, POSITIVE),
    ],
    "rvg_engine_tile": [
        ({"ACC_W": 33}, DIVIDER), ({"SHIFT1": -1}, DIVIDER), ({"SHIFT2": -1}, DIVIDER),
        ({"ACC_W": 7}, POSITIVE),
    ],
}  # fmt: skip
LEGAL = {
    "rvg_engine_weights": [{"PO": 1, "SETS": 8}, {"SETS": 1, "BLOCK_BEATS": 3}],
    "rvg_engine_array": [{"PO": 1, "T_MAX": 1}, {"LANES": 2}],
    "rvg_engine_accumulators": [{"W": 1, "T_MAX": 1}],
    "rvg_engine_output": [{"PO": 1, "T_MAX": 1}, {"LANES": 2, "ACC_W": 32}],
    "rvg_engine_drain": [{"PO": 255, "LANES": 5}],
}
