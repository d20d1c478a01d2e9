"""What the units of a board's wrapper refuse, and with what they are linted: see limits.py."""

from __future__ import annotations

Parameters = dict[str, int]

LINT: dict[str, list[Parameters]] = {
    "rvg_byte_lanes": [{"BYTES": b, "LANES": n} for b, n in ((1, 1), (4, 1), (4, 3), (4, 4), (8, 3))]
    + [{"BYTES": b, "LANES": 4, "PAD": 1} for b in (1, 3, 16)],
    "rvg_pixel_table": [{"LANES": lanes, "Y_W": bits} for lanes, bits in ((1, 8), (3, 8), (3, 4))],
    "rvg_top_k": [
        {"CLASSES": classes, "K": k, "LOGITS": logits, "X_W": bits}
        for classes, k, logits, bits in ((1, 1, 1, 32), (10, 1, 1, 32), (10, 5, 0, 20), (1000, 5, 1, 32))
    ],
    "rvg_stream_run": [{"PIXELS": pixels} for pixels in (1, 2, 49)],
    "rvg_uart_rx": [{"CLOCKS": clocks} for clocks in (8, 50, 868)],
    "rvg_uart_tx": [{"CLOCKS": clocks} for clocks in (8, 50, 868)],
    "rvg_uart_host": [{"FRAME_BYTES": size, "SILENCE": 1000} for size in (1, 2, 1024)],
    "rvg_stream_registers": [{"ADDR_W": bits} for bits in (6, 8, 12, 32)],
}
POSITIVE = "parameter_below_1"
RED: dict[str, list[tuple[Parameters, str]]] = {
    "rvg_byte_lanes": [({"BYTES": 0}, POSITIVE), ({"LANES": 0}, POSITIVE)],
    "rvg_pixel_table": [({"LANES": 0}, POSITIVE)],
    "rvg_top_k": [
        ({"CLASSES": 0}, POSITIVE), ({"K": 0}, POSITIVE),
        ({"K": 11}, "more_results_than_classes"), ({"X_W": 33}, "logit_wider_than_a_word"),
    ],
    "rvg_stream_run": [({"PIXELS": 0}, POSITIVE)],
    "rvg_uart_rx": [({"CLOCKS": 7}, "bit_of_less_than_8_cycles")],
    "rvg_uart_tx": [({"CLOCKS": 7}, "bit_of_less_than_8_cycles")],
    "rvg_uart_host": [({"FRAME_BYTES": 0}, POSITIVE), ({"SILENCE": 0}, POSITIVE)],
    "rvg_stream_registers": [
        ({"ADDR_W": 5}, "registers_take_6_bits_of_address"),
        ({"TOP": -1}, "result_does_not_fit_its_register"),
        ({"TOP": 256}, "result_does_not_fit_its_register"),
        ({"LOGITS": 65536}, "result_does_not_fit_its_register"),
    ],
}  # fmt: skip
LEGAL: dict[str, list[Parameters]] = {
    "rvg_byte_lanes": [{"BYTES": 1, "LANES": 1}],
    "rvg_pixel_table": [{"LANES": 1}],
    "rvg_top_k": [{"CLASSES": 1, "K": 1}, {"CLASSES": 10, "K": 10, "X_W": 1}],
    "rvg_stream_run": [{"PIXELS": 1}],
    "rvg_uart_rx": [{"CLOCKS": 8}],
    "rvg_uart_tx": [{"CLOCKS": 8}],
    "rvg_uart_host": [{"FRAME_BYTES": 1, "SILENCE": 1}],
    "rvg_stream_registers": [{"ADDR_W": 6, "TOP": 255, "LOGITS": 65535}, {"TOP": 0, "LOGITS": 0}],
}
