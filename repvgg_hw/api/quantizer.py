"""How to quantize, as one value; from pixels and a float network to integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.model.normalisation import normalisation
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.network import FusedNetwork, IntegerNetwork
    from repvgg_hw.quantize import Widths


@dataclass(frozen=True)
class Quantizer:
    """What `quantize` may be told; None is what nobody said. docs/quantization.md says what each does.

    method           a name of repvgg_hw.quantize.METHODS; None: gptq
    mean, std        of pixels in 0..1, one per channel; None: ImageNet's
    weight_bits, activation_bits  of all layers, 4 to 8; bits: of each, a file or its content
    weight_memory    bytes for all weights: each layer's width is searched for
    """

    method: str | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None
    bits: Path | str | Widths | None = None
    weight_memory: int | None = None

    def quantize(
        self, fused: FusedNetwork, pixels: NDArray[np.uint8], progress: Progress = silent
    ) -> IntegerNetwork:
        """Integers for fused, calibrated on pixels (N, H, W, C) uint8.

        Raises InputError where pixels, numbers or widths are none for this network.
        """
        from repvgg_hw.quantize import DEFAULT_METHOD, quantize
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
        progress(0.0, "")
        return quantize(
            fused,
            pixels,
            mean=mean,
            std=std,
            method=self.method or DEFAULT_METHOD,
            widths=widths,
            progress=lambda done, total, layer: progress(done / total, layer),
        )
