"""An engine's image: program and weights of a network, as a file beside the bitstream."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .access import Facts
from .errors import DriverError

HEADER_BYTES = 128
MAGIC = b"RVGE"
ENGINE, BYTES, FINGERPRINT = slice(8, 12), slice(12, 16), slice(36, 64)  # of the header


def read_image(path: Path, facts: Facts) -> NDArray[np.uint8]:
    """The image's bytes. Raises DriverError where it is damaged, another network's or another engine's."""
    try:
        data = path.read_bytes()
    except OSError:
        raise DriverError(f"{path} is missing: it lies beside the bitstream") from None
    if len(data) < HEADER_BYTES or data[: len(MAGIC)] != MAGIC:
        raise DriverError(f"{path} is no engine's image: take it from the folder of {facts['name']}.json")
    engine = int.from_bytes(data[ENGINE], "little")
    name = f"{facts['name']}.json"
    if engine != facts["engine"]:
        raise DriverError(
            f"{path} is an image for the engine {engine:08x}, {name} is for {facts['engine']:08x}: "
            "take both from one folder"
        )
    if data[FINGERPRINT].hex() != facts["network"]:
        raise DriverError(f"{path} is the image of another network than {name} is of")
    size = int.from_bytes(data[BYTES], "little")
    if len(data) != size or hashlib.sha256(data).hexdigest() != facts["image_sha256"]:
        raise DriverError(f"{path} is damaged ({len(data)} of {size} bytes): copy it again")
    return np.frombuffer(data, np.uint8)
