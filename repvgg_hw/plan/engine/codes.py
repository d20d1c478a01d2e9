"""Numbers that image, registers and driver share; twin: templates/verilog/engine/rvg_engine_pkg.sv."""

from __future__ import annotations

MAGIC = b"RVGE"
VERSION = 2

# Bit offsets of the 32-bit words in an image's header; the fingerprint takes 28 bytes, the rest is 0.
HEADER_BYTES = 128
HEADER = {
    "magic": 0,
    "version": 32,
    "engine": 64,  # identity of the array
    "bytes": 96,  # of the whole image
    "program": 128,  # offset of the first instruction
    "count": 160,  # of instructions, the end included
    "maps": 192,  # bytes that the maps need, and the frame's input and output
    "input": 224,
    "output": 256,
    "fingerprint": 288,
}
FINGERPRINT_BYTES = 28

# What is wrong with an image, as the unit that reads it says.
FETCH = {"ok": 0, "magic": 1, "version": 2, "engine": 3, "program": 4, "address": 5}

# The register ERROR, and what it means to a user.
ERRORS = {
    "none": (0, "no error"),
    "abort": (1, "the run was aborted"),
    "weight_read": (2, "a read through the weight port failed"),
    "data_read": (3, "a read through the data port failed"),
    "data_write": (4, "a write through the data port failed"),
    "magic": (5, "there is no engine's image at the image's address"),
    "version": (6, "the image is of another version of the format"),
    "engine": (7, "the image is for another engine"),
    "program": (
        8,
        "the image's program has an unknown instruction, no end, or data left over",
    ),
    "watchdog": (9, "nothing moved for as long as the watchdog allows"),
    "bus": (10, "a transfer never ended: no run begins before it does, or before a reset"),
    "busy": (11, "start was written while a run was at work, which goes on"),
    "address": (12, "an address of the run is not a multiple of the bytes in a beat of its port"),
}
