"""What is said of a network without a linear layer, whose last map is the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repvgg_hw.cli.reading import say_assumptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.network import FusedNetwork, IntegerNetwork

SQNR_IMAGES = 32  # of the calibration images, on which the map is compared with the float network's


def say_map(fused: FusedNetwork, network: IntegerNetwork, pixels: NDArray[np.uint8]) -> list[str]:
    """What was left out in reading it, and how near the integers come to the map, on pixels (N, H, W, C).

    Nothing for a network with a linear layer.
    """
    if fused.linear is not None:
        return []
    from repvgg_hw.measure.accuracy import map_sqnr

    made = [entry for entry in fused.provenance.get("assumptions", []) if entry["subject"] == "head"]
    shown = pixels[:SQNR_IMAGES]
    return [
        *say_assumptions({"assumptions": made}),
        f"last map: {map_sqnr(fused, network, shown):.1f} dB signal to quantization noise on {len(shown)} "
        "calibration images",
    ]
