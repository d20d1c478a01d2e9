"""Beside the stages: integers, fine-tuned through the hardware's own arithmetic; `train --qat`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.api.evaluated import check_same
from repvgg_hw.api.labelled import Labelled
from repvgg_hw.api.quantized import QuantizedNetwork
from repvgg_hw.errors import InputError
from repvgg_hw.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.api.loaded import LoadedNetwork
    from repvgg_hw.model.images import Images
    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.network import FusedNetwork, IntegerNetwork
    from repvgg_hw.training.recipe import Recipe


@dataclass(frozen=True, repr=False)
class FineTunedNetwork:
    """Integers that were taught to answer as their float network does.

    network      they themselves: `.save` and `.plan` them
    images       on how many images
    recipe       every number that decided about the result
    loss_before, loss_after   mean distance of their outputs from the float network's, on unvaried images
    kept         nothing better was found: they are those that it began with
    top1         on `val`, of "float" network and integers "before" and "after", 0..1; None without it
    """

    network: QuantizedNetwork
    images: int
    recipe: Recipe
    loss_before: float
    loss_after: float
    kept: bool
    top1: Mapping[str, float] | None = None

    def __repr__(self) -> str:
        found = "nothing better found" if self.kept else f"now {self.loss_after:.4g}"
        top1 = "" if self.top1 is None else f", top-1 {self.top1['before']:.2%}, now {self.top1['after']:.2%}"
        return (
            f"<FineTunedNetwork {self.network.integers.name}: distance from the float network "
            f"{self.loss_before:.4g}, {found}{top1}>"
        )


@dataclass(frozen=True)
class FineTuner:
    """How integers are fine-tuned, as LoadedNetwork.fine_tune is told."""

    recipe: Recipe
    preprocess: str | Preprocessing | None
    val: str | Path | NDArray[np.uint8] | None
    val_labels: NDArray[np.int64] | None
    class_index: str | Path | None
    workers: int

    def tune(
        self,
        network: LoadedNetwork,
        integers: QuantizedNetwork,
        images: str | Path | NDArray[np.uint8],
        progress: Progress,
    ) -> FineTunedNetwork:
        """As LoadedNetwork.fine_tune."""
        from repvgg_hw.design import network_rules
        from repvgg_hw.training.data import unlabelled
        from repvgg_hw.training.distributed import require_alone
        from repvgg_hw.training.recipe import check_whole
        from repvgg_hw.training.tune import tune

        require_alone("fine-tuning")
        check_whole("workers", self.workers, 1, 256)
        if network.seed is not None:
            raise InputError(f"{network.source} has random weights: there is nothing to teach its integers")
        start = integers.integers
        check_same(network.fused, start)
        validation = self._validation(network.fused, integers)
        taken = Labelled(preprocess=self.preprocess).of(images, start, integers.options)
        data = unlabelled(taken.pixels)
        progress(0.0, "")
        tuned = tune(start, network.fused, data, self.recipe, workers=self.workers, report=progress)
        found = _without_noise(tuned.network)
        network_rules.check(found)  # as `design` will
        return FineTunedNetwork(
            replace(integers, integers=found, map_quality=None),
            len(data),
            self.recipe,
            tuned.loss_before,
            tuned.loss_after,
            tuned.kept,
            None if validation is None else _top1(validation, network.fused, start, found),
        )

    def _validation(self, fused: FusedNetwork, integers: QuantizedNetwork) -> Images | None:
        """The labelled images of `val`, read before the work begins."""
        from repvgg_hw.model.images import checked_labels

        if self.val is None:
            given = {"val_labels": self.val_labels, "class_index": self.class_index}
            if unused := [name for name, value in given.items() if value is not None]:
                raise InputError(f"{' and '.join(unused)}: labels are used by val alone")
            return None
        images = Labelled(self.val_labels, None, self.preprocess, self.class_index).of(
            self.val, integers.integers, integers.options
        )
        checked_labels(images, classes_of(fused))
        return images


def classes_of(fused: FusedNetwork) -> int:
    """How many classes `val` is of. Raises InputError for a network that ends with a map."""
    if fused.linear is None:
        raise InputError("--val measures classes, and this network has no linear layer")
    return len(fused.linear.weight)


def _without_noise(network: IntegerNetwork) -> IntegerNetwork:
    """The network that does not say each layer's noise: it was measured before it was tuned."""
    quantization = {k: v for k, v in network.provenance["quantization"].items() if k != "sqnr_db"}
    return replace(network, provenance={**network.provenance, "quantization": quantization})


def _top1(
    images: Images, fused: FusedNetwork, start: IntegerNetwork, network: IntegerNetwork
) -> dict[str, float]:
    """Of the float network, and of the integers before and after."""
    from repvgg_hw.quantize.forward import float_outputs, integer_outputs

    outputs = {
        "float": float_outputs(fused, images.pixels, network.mean, network.std),
        "before": integer_outputs(start, images.pixels),
        "after": integer_outputs(network, images.pixels),
    }
    return {name: float((logits.argmax(1) == images.labels).mean()) for name, logits in outputs.items()}
