"""How to quantize, as one value; from pixels and a float network to integers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.model.normalisation import normalisation
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.network import FusedNetwork, IntegerNetwork
    from repvgg_hw.quantize import Widths

MEASURED_IMAGES = 16  # of the calibration images, on which each layer is compared with the float one


@dataclass(frozen=True)
class Quantized:
    """Integers, whether they were found before, and the seconds that finding them took."""

    network: IntegerNetwork
    cached: bool
    seconds: float = 0.0


@dataclass(frozen=True)
class Quantizer:
    """What `quantize` may be told; None is what nobody said. docs/quantization.md says what each does.

    method           a name of repvgg_hw.quantize.METHODS; None: gptq
    mean, std        of pixels in 0..1, one per channel; None: ImageNet's
    weight_bits, activation_bits  of all layers, 4 to 8; bits: of each, a file or its content
    weight_memory    bytes for all weights: each layer's width is searched for
    cache            whether integers that were found before may serve, and are kept (repvgg_hw.api.cache)
    """

    method: str | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None
    bits: Path | str | Widths | None = None
    weight_memory: int | None = None
    cache: bool = True

    def quantize(
        self,
        fused: FusedNetwork,
        pixels: NDArray[np.uint8],
        progress: Progress = silent,
        *,
        measure: bool = False,
    ) -> Quantized:
        """Integers for fused, calibrated on pixels (N, H, W, C) uint8; those that were found before, if any.

        measure  record how near each layer comes to the float one, on some of the images
        Raises InputError where pixels, numbers or widths are none for this network.
        """
        from repvgg_hw.api import cache
        from repvgg_hw.quantize import DEFAULT_METHOD, check_input, quantize
        from repvgg_hw.quantize.asked_widths import asked_widths

        mean, std = normalisation(self.mean, self.std, fused.convs[0].shape.c_in)
        widths = asked_widths(
            fused,
            pixels,
            mean,
            std,
            weight_bits=self.weight_bits,
            activation_bits=self.activation_bits,
            bits=self.bits,
            weight_memory=self.weight_memory,
        )
        method = self.method or DEFAULT_METHOD
        name = ""
        if self.cache:
            check_input(fused, pixels)
            how: dict[str, Any] = {"method": method, "widths": widths, "measure": measure}
            name = cache.key(fused, pixels, mean=mean, std=std, **how)
            if (found := cache.find(name, fused)) is not None:
                return Quantized(found, cached=True)
        progress(0.0, f"{len(pixels):,} images")
        begun = time.perf_counter()
        network = quantize(
            fused,
            pixels,
            mean=mean,
            std=std,
            method=method,
            widths=widths,
            progress=lambda done, total, layer: progress(done / total, layer),
        )
        seconds = time.perf_counter() - begun
        if measure:
            network = _measured(fused, network, pixels)
        if self.cache and seconds >= cache.WORTH_SECONDS:
            cache.keep(name, network)
        return Quantized(network, False, seconds)


def _measured(fused: FusedNetwork, network: IntegerNetwork, pixels: NDArray[np.uint8]) -> IntegerNetwork:
    """The network that says, with its quantization, each layer's SQNR on some of the images in any order."""
    from repvgg_hw.quantize.diagnose import layer_sqnr
    from repvgg_hw.quantize.pipeline import canonical_order

    shown = pixels[canonical_order(pixels)[:MEASURED_IMAGES]]
    sqnr = {"images": len(shown), "layers": layer_sqnr(fused, network, shown)}
    quantization = {**network.provenance["quantization"], "sqnr_db": sqnr}
    return replace(network, provenance={**network.provenance, "quantization": quantization})
