"""The engine's way out: store, pool, linear layer, registers."""

from __future__ import annotations

import itertools

POSITIVE = "parameter_below_1"
ARRAYS = ((3, 1, 1), (5, 4, 2), (9, 2, 2), (7, 4, 4))  # N, PO, LANES

LINT: dict[str, list[dict[str, int | bool | str]]] = {
    "rvg_ram_bytes": [{"BYTES": b, "DEPTH": d} for b, d in itertools.product((1, 8), (1, 5))],
    "rvg_engine_store": [
        {"N": n, "PO": po, "LANES": lanes, "BD": bd, "OUT_WORDS": words, "SLOTS": slots}
        for (n, po, lanes), (bd, words, slots) in itertools.product(ARRAYS, ((8, 16, 2), (16, 5, 3)))
    ],
    "rvg_engine_pool": [
        {"N": n, "LANES": lanes, "T_MAX": tiles, "C_MAX": channels, "POOL_W": bits}
        for (n, _, lanes), (tiles, channels, bits) in itertools.product(ARRAYS, ((1, 1, 18), (16, 2560, 24)))
    ],
    "rvg_engine_linear": [
        {"BW": bw, "BD": bd, "C_MAX": channels, "POOL_W": bits}
        for bw, bd, channels, bits in ((8, 8, 1, 17), (8, 64, 2560, 24), (64, 8, 16, 32), (16, 16, 9, 8))
    ],
    "rvg_engine_store_batches": [{"PO": 4, "COUNT_W": 3}, {"PO": 1, "COUNT_W": 1}],
    "rvg_engine_store_banks": [{"M1": 1}, {"M1": 7, "LANES": 2, "SLOTS": 4, "OUT_WORDS": 128}],
    "rvg_engine_store_lines": [{"M1": 1, "M2": 1}, {"M1": 7, "M2": 4, "LANES": 2, "SLOTS": 3}],
    "rvg_engine_write_mux": [{"WIDTH": 8, "DEPTH": 1}, {"WIDTH": 64}],
    "rvg_axi_lite": [{"ADDR_W": 3}, {"ADDR_W": 12}],
    "rvg_engine_registers": [{"ADDR_W": 7}, {"ADDR_W": 12, "ENGINE_ID": 3}],
    "rvg_engine_store_order": [{"DEPTH": 1}, {"DEPTH": 16}],
}
RED: dict[str, list[tuple[dict[str, int], str]]] = {
    "rvg_ram_bytes": [({"BYTES": 0}, POSITIVE)],
    "rvg_engine_store": [
        ({"N": 4}, "array_is_odd_from_3_on"),
        ({"PO": 3, "LANES": 2}, "lanes_must_divide_po"),
    ],
    "rvg_engine_pool": [
        ({"N": 4}, "array_is_odd_from_3_on"), ({"C_MAX": 0}, POSITIVE),
        ({"N": 5, "T_MAX": 4, "POOL_W": 13}, "sum_too_narrow_for_a_strip"),
    ],
    "rvg_engine_linear": [
        ({"BW": 6}, "beats_of_weights_hold_whole_biases"),
        ({"C_MAX": 0}, "beats_of_weights_hold_whole_biases"),
        ({"BD": 24}, "blocks_and_beats_must_divide_each_other"),
    ],
    "rvg_engine_store_batches": [
        ({"PO": 256}, "set_of_1_to_255_channels"), ({"COUNT_W": 9}, "set_of_1_to_255_channels"),
    ],
    "rvg_engine_store_banks": [
        ({"LANES": 0}, POSITIVE), ({"SLOTS": 1}, "needs_two_slots"),
        ({"BD": 6}, "bytes_of_a_beat_are_a_power_of_two"), ({"BD": 1}, "bytes_of_a_beat_are_a_power_of_two"),
    ],
    "rvg_engine_store_lines": [({"M2": 4}, "no_such_banks"), ({"SLOTS": 1}, "no_such_banks")],
    "rvg_engine_store_order": [({"DEPTH": 0}, POSITIVE)],
    "rvg_engine_write_mux": [({"WIDTH": 0}, POSITIVE)],
    "rvg_axi_lite": [({"ADDR_W": 2}, "address_of_less_than_two_words")],
    "rvg_engine_registers": [
        ({"ADDR_W": 6}, "registers_take_7_bits_of_address"),
        ({"ADDR_W": 33}, "registers_take_7_bits_of_address"),
    ],
}  # fmt: skip
LEGAL: dict[str, list[dict[str, int]]] = {
    "rvg_ram_bytes": [{"BYTES": 1, "DEPTH": 1}],
    "rvg_engine_store": [{"N": 3, "PO": 1, "LANES": 1, "BD": 2, "OUT_WORDS": 1, "PENDING": 1}],
    "rvg_engine_pool": [{"POOL_W": 14}, {"N": 3, "T_MAX": 1, "C_MAX": 1, "POOL_W": 8, "SLOTS": 1}],
    "rvg_engine_linear": [{"BW": 4, "BD": 1}, {"BD": 64}, {"C_MAX": 1, "POOL_W": 1}],
    "rvg_engine_store_batches": [{"PO": 255, "COUNT_W": 8}],
    "rvg_engine_store_banks": [{"M1": 1, "BD": 2, "OUT_WORDS": 1}],
    "rvg_engine_store_lines": [{"M1": 1, "M2": 1, "OUT_WORDS": 1}],
}
