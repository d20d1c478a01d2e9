"""A linked program as the bytes that lie in memory."""

from __future__ import annotations

import struct

from repvgg_hw.errors import CheckFailed

LOADED = 1  # a segment that is part of the program


def image(elf: bytes, base: int = 0) -> bytes:
    """The segments of a little-endian 32-bit ELF file from address `base` on, zeros between them.

    Raises CheckFailed where it is no such file.
    """
    if elf[:6] != b"\x7fELF\x01\x01":
        raise CheckFailed("the firmware's compiler wrote no little-endian 32-bit ELF file")
    (table,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    memory = bytearray()
    for number in range(count):
        kind, offset, _, physical, bytes_, *_ = struct.unpack_from("<8I", elf, table + number * size)
        if kind != LOADED or not bytes_:
            continue
        start = physical - base
        memory.extend(bytes(max(0, start + bytes_ - len(memory))))
        memory[start : start + bytes_] = elf[offset : offset + bytes_]
    return bytes(memory)
