"""Beside the stages: how good a network in integers is, on labelled images, beside the float network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repvgg_hw.api import cache
from repvgg_hw.design import Design, accuracy, folder
from repvgg_hw.design import load as load_design
from repvgg_hw.design.network_digest import add, network_digest
from repvgg_hw.errors import InputError
from repvgg_hw.network import FusedNetwork, IntegerNetwork
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repvgg_hw.measure.accuracy import Evaluation
    from repvgg_hw.model.images import Images
    from repvgg_hw.quantize.diagnose import LayerReport
    from repvgg_hw.quantize.forward import Outputs

LAYER_IMAGES = 100  # on which single layers are looked at


@dataclass(frozen=True, repr=False)
class EvaluatedNetwork:
    """Top-1 of the float network and of its integers on the same images.

    evaluation  counts, drop and agreement: see Evaluation
    layers      where it loses, one by one; empty unless asked for
    """

    name: str
    evaluation: Evaluation
    layers: tuple[LayerReport, ...] = ()

    def __repr__(self) -> str:
        of = self.evaluation
        return (
            f"<EvaluatedNetwork {self.name}: top-1 of {of.integer.total} images, float "
            f"{of.float_.percent:.2f} %, integers {of.integer.percent:.2f} %>"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; `layers` only where they were asked for."""
        layers = {"layers": [layer.to_json() for layer in self.layers]} if self.layers else {}
        return self.evaluation.to_json() | layers


class Evaluator:
    """A float network on labelled images, with which any of its integers are compared.

    Its logits are computed once. Raises InputError for images without labels, and for a network without a
    linear layer: top-1 needs classes.
    """

    def __init__(
        self, fused: FusedNetwork, images: Images, norm_gains: Mapping[str, float] | None = None
    ) -> None:
        from repvgg_hw.measure.accuracy import require_classes
        from repvgg_hw.model.images import checked_labels

        require_classes(fused)
        assert fused.linear is not None
        checked_labels(images, len(fused.linear.weight))
        self._fused, self._gains, self.images = fused, dict(norm_gains or {}), images
        self._known: tuple[tuple[tuple[float, ...], ...], Outputs] | None = None

    def compare(
        self,
        integers: IntegerNetwork,
        *,
        method: str | None = None,
        seconds: float = 0.0,
        per_layer: bool = False,
        device: str = "cpu",
        progress: Progress = silent,
    ) -> EvaluatedNetwork:
        """Integers of this float network.

        Raises InputError where they are of another network, CheckFailed where torch and golden model differ.
        """
        from repvgg_hw.measure.accuracy import evaluate
        from repvgg_hw.quantize.diagnose import diagnose

        check_same(self._fused, integers)
        count, pixels = len(self.images), self.images.pixels
        reference = self._reference(integers, progress)
        evaluation = evaluate(
            integers,
            reference,
            self.images,
            method=method or str(integers.provenance.get("quantization", {}).get("method", "integers")),
            seconds=seconds,
            step=_counter(progress, 2 * count, "integer model"),
            device=device,
        )
        looked_at = pixels[:: max(1, count // LAYER_IMAGES)]
        layers = diagnose(self._fused, integers, looked_at, self._gains) if per_layer else []
        return EvaluatedNetwork(integers.name, evaluation, tuple(layers))

    def noise(self, integers: IntegerNetwork, on: str) -> accuracy.LayerNoise:
        """Each layer's noise on some of the images."""
        from repvgg_hw.quantize.diagnose import layer_sqnr

        looked_at = self.images.pixels[:: max(1, len(self.images) // LAYER_IMAGES)]
        return accuracy.LayerNoise(on, len(looked_at), layer_sqnr(self._fused, integers, looked_at))

    def _reference(self, integers: IntegerNetwork, progress: Progress) -> Outputs:
        """The float network's logits, of pixels normalised as these integers take them."""
        from repvgg_hw.quantize.forward import float_outputs

        given = (integers.mean, integers.std)
        if self._known is None or self._known[0] != given:
            step = _counter(progress, len(self.images), "float network")
            self._known = given, float_outputs(self._fused, self.images.pixels, *given, step)
        return self._known[1]


def measured(
    images: Images, integers: IntegerNetwork, data: str, evaluated: EvaluatedNetwork
) -> accuracy.Measured:
    """What was found of these integers on images that are called `data`, for reports."""
    assert images.labels is not None
    digest, of = hashlib.sha256(), evaluated.evaluation
    add(digest, images.pixels, images.labels)
    return accuracy.Measured(
        network=network_digest(integers),
        data=data,
        images=of.integer.total,
        float_correct=of.float_.correct,
        integer_correct=of.integer.correct,
        agreement=of.agreement,
        sha256=digest.hexdigest(),
    )


def evaluate_design(
    evaluator: Evaluator, design: Design[NetworkPlan], data: str, evaluated: EvaluatedNetwork
) -> None:
    """Keep in a design's folder what was found of its network, for its report.

    Raises InputError where another network came into the folder meanwhile.
    """
    found = measured(evaluator.images, design.network, data, evaluated)
    found = replace(found, noise=evaluator.noise(design.network, data))
    with folder.locked(design.directory):
        folder.recover(design.directory)
        if network_digest(load_design(design.directory, images=True).network) != found.network:
            raise InputError(f"{design.directory} was generated anew for another network: evaluate again")
        accuracy.save(found, design.directory / accuracy.FILE)
    cache.keep_measured(found, design.network)


def check_same(fused: FusedNetwork, integers: IntegerNetwork) -> None:
    """Raise InputError unless integers may be this float network's: its layers, read from its file."""
    wanted = [(c.name, c.weight.shape, c.stride, c.groups) for c in fused.convs]
    got = [(c.name, c.weight.shape, c.stride, c.groups) for c in integers.convs]
    heads = [None if n.linear is None else n.linear.weight.shape for n in (fused, integers)]
    files = [n.provenance.get("sha256") for n in (fused, integers)]
    same_layers, known = wanted == got and heads[0] == heads[1], None not in files
    if known and files[0] == files[1] and not same_layers:
        raise InputError(
            f"the integers of {integers.name} are not of the checkpoint given as it is read here: "
            "read it with the head, strides and groups that they were made with"
        )
    if not same_layers or (known and files[0] != files[1]):
        of = integers.provenance.get("source", "another checkpoint")
        raise InputError(
            f"the integers of {integers.name} are not of the checkpoint given ({fused.name}), but of {of}: "
            "give the one that they were made from"
        )


def _counter(progress: Progress, total: int, what: str) -> Callable[[int], None]:
    """Adds up how many of total are done, and tells their share."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(min(1.0, done / total), what)

    return advance
