"""The whole engine, and what it is put together from: what it is linted with."""

from __future__ import annotations

from repvgg_hw.plan.engine.array import Array
from repvgg_hw.targets.verilog.engine.emit import parameters

ARRAYS = (
    Array(n=3, pi=1, po=1, lanes=1, t_max=1, word_depth=4, line_depth=2, out_words=2, c_max=1, acc_w=20),
    Array(n=5, pi=2, po=4, lanes=2, t_max=5, word_depth=24, line_depth=8, c_max=10, bd=16, bw=64),
)
COMPUTE = (
    *("N", "PI", "PO", "LANES", "T_MAX", "WORD_DEPTH", "BW", "SETS", "BLOCK_BEATS", "DATA_W", "WMIDDLE_W"),
    *("WEIGHT_W", "ACC_W", "SHIFT1", "SHIFT2", "SUM_W"),
)
RESULTS = ("N", "PO", "LANES", "T_MAX", "OUT_WORDS", "SLOTS", "C_MAX", "POOL_W", "BD", "BW")

LINT = {
    "rvg_engine": [{k: v for k, v in parameters(array).items() if k != "ENGINE_ID"} for array in ARRAYS],
    "rvg_engine_compute": [{name: parameters(array)[name] for name in COMPUTE} for array in ARRAYS],
    "rvg_engine_results": [{name: parameters(array)[name] for name in RESULTS} for array in ARRAYS],
    "rvg_reset": [{"STAGES": stages} for stages in (2, 3)],
}
RED: dict[str, list[tuple[dict[str, int], str]]] = {name: [] for name in LINT} | {
    "rvg_reset": [({"STAGES": 1}, "reset_of_less_than_two_stages")]
}
LEGAL: dict[str, list[dict[str, int]]] = {"rvg_reset": [{"STAGES": 2}]}
