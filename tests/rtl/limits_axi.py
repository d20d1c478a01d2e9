"""What the AXI4 masters refuse, and with what they are linted: see limits.py."""

from __future__ import annotations

Parameters = dict[str, int]

LINT: dict[str, list[Parameters]] = {
    "rvg_block_fifo": [{"WIDTH": 8, "DEPTH": depth} for depth in (1, 5, 512)],
    "rvg_axi_split": [
        {"DATA_W": width, "MAX_BURST": burst} for width, burst in ((8, 1), (64, 16), (512, 256))
    ],
    "rvg_axi_read": [
        {"DATA_W": width, "CLIENTS": clients, "DEPTH": depth, "MAX_BURST": burst}
        for width, clients, depth, burst in ((64, 2, 512, 16), (128, 1, 256, 256), (512, 3, 1, 1))
    ],
    "rvg_axi_write": [
        {"DATA_W": width, "MAX_BURST": burst, "BURSTS": bursts}
        for width, burst, bursts in ((64, 16, 32), (128, 256, 4), (512, 1, 1))
    ],
}
POSITIVE = "parameter_below_1"
BURST = "bursts_have_1_to_256_beats"
WIDTH = "data_width_must_be_a_power_of_two_from_8_to_1024"
RED: dict[str, list[tuple[Parameters, str]]] = {
    "rvg_block_fifo": [({"WIDTH": 0}, POSITIVE)],
    "rvg_axi_split": [
        ({"MAX_BURST": 257}, BURST), ({"DATA_W": 48}, WIDTH),
        ({"DATA_W": 2048}, WIDTH),
        ({"ADDR_W": 12}, "address_narrower_than_two_pages"),
    ],
    "rvg_axi_read": [
        ({"DEPTH": 15}, "buffer_below_a_burst"),
        ({"MAX_BURST": 257, "DEPTH": 300}, BURST),
    ],
    "rvg_axi_write": [({"DATA_W": 24}, WIDTH)],
}  # fmt: skip
LEGAL: dict[str, list[Parameters]] = {
    "rvg_block_fifo": [{"WIDTH": 1, "DEPTH": 1}],
    "rvg_axi_split": [{"MAX_BURST": 1, "DATA_W": 8, "ADDR_W": 13}, {"MAX_BURST": 256, "DATA_W": 1024}],
    "rvg_axi_read": [{"CLIENTS": 1, "DEPTH": 16}],
    "rvg_axi_write": [{"BURSTS": 1, "MAX_BURST": 1}],
}
