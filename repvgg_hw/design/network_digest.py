"""A digest of a network's numbers: equal exactly where the networks compute the same from the same."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerNetwork


def network_digest(network: IntegerNetwork) -> str:
    """SHA-256 of a network's numbers, without its name and provenance."""
    digest = hashlib.sha256()
    plain = (network.in_shape, network.input_scale, network.mean, network.std, network.output_scale)
    digest.update(repr(plain).encode())
    for conv in network.convs:
        fields = (conv.name, conv.shift, conv.stride, conv.groups, conv.weight_bits, conv.in_bits)
        digest.update(repr((*fields, conv.in_signed, conv.out_bits)).encode())
        add(digest, conv.weight, conv.bias, conv.multiplier)
    if network.linear is not None:
        digest.update(repr(network.linear.weight_bits).encode())
        add(digest, network.linear.weight, network.linear.bias)
    return digest.hexdigest()


def add(digest: Any, *arrays: NDArray[Any]) -> None:
    """Shapes, types and numbers, into a hashlib digest."""
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
