"""What is said of a network without a linear layer, whose last map is the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repvgg_hw.cli.reading import say_assumptions

if TYPE_CHECKING:
    from repvgg_hw.api import LoadedNetwork, QuantizedNetwork


def say_map(loaded: LoadedNetwork, network: QuantizedNetwork) -> list[str]:
    """What was left out in reading it, and how near the integers come to the map, where that is known.

    Nothing for a network with a linear layer.
    """
    found = network.map_quality
    if found is None:
        return []
    made = [entry for entry in loaded.fused.provenance.get("assumptions", []) if entry["subject"] == "head"]
    return [
        *say_assumptions({"assumptions": made}),
        f"last map: {found.sqnr:.1f} dB signal to quantization noise on {found.images} calibration images",
    ]
