"""Bits per layer: weights 4..8, activations 4..8, for all layers or by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repvgg_hw import schema
from repvgg_hw.errors import InputError
from repvgg_hw.network import FusedNetwork

LINEAR = "linear"
MIN_BITS, MAX_BITS = 4, 8


def layer_names(network: FusedNetwork) -> tuple[str, ...]:
    """The layers that have weights, in order."""
    return (*(conv.name for conv in network.convs), *([LINEAR] if network.linear is not None else []))


@dataclass(frozen=True)
class Widths:
    """Bits of every layer's weights and of every convolution's output.

    weights, activations   for layers that are not named
    weight_of, activation_of   by layer name; "linear" has weights only, its logits are int32
    The network's input stays int8.
    """

    weights: int = 8
    activations: int = 8
    weight_of: Mapping[str, int] = field(default_factory=dict)
    activation_of: Mapping[str, int] = field(default_factory=dict)

    def weight(self, layer: str) -> int:
        """Bits of the weights of a layer."""
        return self.weight_of.get(layer, self.weights)

    def activation(self, layer: str) -> int:
        """Bits of the output of a convolution."""
        return self.activation_of.get(layer, self.activations)

    def check(self, network: FusedNetwork) -> None:
        """Raise InputError for a width out of range or a layer that the network does not have."""
        names = set(layer_names(network))
        for kind, default, by_name in (
            ("weight", self.weights, self.weight_of),
            ("activation", self.activations, self.activation_of),
        ):
            for layer, bits in [("every layer", default), *by_name.items()]:
                if not (isinstance(bits, int) and MIN_BITS <= bits <= MAX_BITS):
                    raise InputError(f"{kind} bits of {layer} must be {MIN_BITS} to {MAX_BITS}, got {bits}")
            unknown = sorted(set(by_name) - names)
            if unknown:
                raise InputError(f"{kind} bits are given for {unknown[0]!r}: the network has no such layer")

    def to_json(self) -> dict[str, object]:
        """As read by load_widths."""
        return {
            "weights": self.weights,
            "activations": self.activations,
            "weight_of": dict(self.weight_of),
            "activation_of": dict(self.activation_of),
        }


def load_widths(path: str | Path) -> Widths:
    """Read a JSON file with any of Widths' fields. Raises InputError where it is not that."""
    content = schema.read_typed(Path(path), "JSON file of widths")
    known = {"weights": int, "activations": int, "weight_of": dict, "activation_of": dict}
    if not isinstance(content, dict) or set(content) - set(known):
        raise InputError(f"{path}: expected a JSON object with any of {', '.join(known)}")
    for key, value in content.items():
        if not isinstance(value, known[key]):
            raise InputError(f"{path}: {key} must be {'a number' if known[key] is int else 'an object'}")
    return Widths(**content)
