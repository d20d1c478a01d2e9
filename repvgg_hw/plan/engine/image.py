"""The DRAM image of a network for an engine: header, program, weight regions; and how it is read.

`engine.bin`: a header of 128 bytes (codes.HEADER), the program, then each layer's weight region, aligned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.codes import FINGERPRINT_BYTES, HEADER, HEADER_BYTES, MAGIC, VERSION
from repvgg_hw.plan.engine.instruction import BYTES, Instruction, Op
from repvgg_hw.plan.engine.regions import conv_region, linear_region
from repvgg_hw.plan.engine.schedule import Schedule

WORDS = [name for name in HEADER if name not in ("magic", "fingerprint")]


def fingerprint(network: IntegerNetwork) -> bytes:
    """28 bytes of everything that the engine computes with: SHA-256, its beginning."""
    digest = hashlib.sha256(repr(network.in_shape).encode())
    for conv in network.convs:
        facts = (conv.shape, conv.shift, conv.in_signed, conv.out_bits, conv.weight.shape)
        digest.update(repr(facts).encode())
        for values, kind in ((conv.weight, "<i1"), (conv.bias, "<i4"), (conv.multiplier, "<i4")):
            digest.update(np.ascontiguousarray(values, kind).tobytes())
    if network.linear is not None:
        digest.update(repr(network.linear.weight.shape).encode())
        digest.update(np.ascontiguousarray(network.linear.weight, "<i1").tobytes())
        digest.update(np.ascontiguousarray(network.linear.bias, "<i4").tobytes())
    return digest.digest()[:FINGERPRINT_BYTES]


def build(schedule: Schedule, only: Collection[int] | None = None) -> bytes:
    """The image of a scheduled network; with `only` these instructions of its program alone, and the end."""
    program = [
        one
        for number, one in enumerate(schedule.program())
        if only is None or number in only or one.op == Op.END
    ]
    array, network = schedule.array, schedule.network
    addresses = schedule.weight_addresses
    image = bytearray(addresses[-1])
    values = {
        "version": VERSION,
        "engine": array.identity,
        "bytes": len(image),
        "program": HEADER_BYTES,
        "count": len(program),
        "maps": schedule.maps_bytes,
        "input": schedule.input_bytes,
        "output": schedule.output_bytes,
    }
    image[: len(MAGIC)] = MAGIC
    for name, value in values.items():
        image[_at(name) : _at(name) + 4] = value.to_bytes(4, "little")
    image[_at("fingerprint") : _at("fingerprint") + FINGERPRINT_BYTES] = fingerprint(network)
    for number, instruction in enumerate(program):
        at = HEADER_BYTES + number * BYTES
        image[at : at + BYTES] = instruction.pack()
    regions = [conv_region(layer, conv) for layer, conv in zip(schedule.layers, network.convs, strict=True)]
    if network.linear is not None:
        regions.append(linear_region(array, network.linear))
    for region, at in zip(regions, addresses, strict=False):
        image[at : at + region.size] = region.tobytes()
    return bytes(image)


def _at(name: str) -> int:
    """A header word's byte."""
    return HEADER[name] // 8


@dataclass(frozen=True)
class Image:
    """An image that was read: its bytes, checked, and its header's words by name."""

    data: bytes
    header: dict[str, int]
    fingerprint: bytes

    @cached_property
    def program(self) -> tuple[Instruction, ...]:
        """All instructions, the end last. Raises InputError where one is none, or the end is elsewhere."""
        at, count = self.header["program"], self.header["count"]
        found = []
        for number in range(count):
            block = self.data[at + number * BYTES : at + (number + 1) * BYTES]
            try:
                found.append(Instruction.unpack(block))
            except InputError as error:
                raise InputError(f"instruction {number} of the image's program: {error}") from None
            if (found[-1].op == Op.END) != (number == count - 1):
                raise InputError(
                    f"instruction {number} of {count}: the image's program ends there, or nowhere"
                )
        for number, one in enumerate(found):
            self._check_weights(number, one)
        return tuple(found)

    def _check_weights(self, number: int, one: Instruction) -> None:
        if one.op != Op.END and not self.header["program"] <= one.weight_addr < len(self.data):
            raise InputError(f"instruction {number}: its weights are outside of the image")


def parse(data: bytes, array: Array) -> Image:
    """Read an image for this array.

    Raises InputError, one line, where it is truncated, foreign, or of another engine.
    """
    if len(data) < HEADER_BYTES or data[: len(MAGIC)] != MAGIC:
        raise InputError(
            "this is not an engine's image: it does not begin with RVGE and a header of 128 bytes"
        )
    header = {name: int.from_bytes(data[_at(name) : _at(name) + 4], "little") for name in WORDS}
    if header["version"] != VERSION:
        raise InputError(
            f"the image is of version {header['version']} of the format; this is version {VERSION}"
        )
    if header["engine"] != array.identity:
        raise InputError(
            f"the image is for engine {header['engine']:08x}, this one is {array.identity:08x}: make it anew "
            "for this engine"
        )
    if header["bytes"] != len(data):
        raise InputError(
            f"the image has {len(data)} bytes, its header says {header['bytes']}: it is truncated"
        )
    if header["count"] < 1 or not HEADER_BYTES <= header["program"] <= len(data) - header["count"] * BYTES:
        raise InputError(f"the image's program, {header['count']} instructions, does not lie in it")
    start = _at("fingerprint")
    return Image(data, header, data[start : start + FINGERPRINT_BYTES])
