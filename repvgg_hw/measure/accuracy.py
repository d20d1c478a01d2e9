"""How good is the integer network? Top-1 of float, fake-quantized and integer models on labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.model.images import Images, checked_labels
from repvgg_hw.network import FusedNetwork, IntegerNetwork
from repvgg_hw.quantize import forward

PROVEN_IMAGES = 4  # of every evaluation are run through the golden model itself, too
Z = 1.959964  # two-sided 95 %


@dataclass(frozen=True)
class Accuracy:
    """Top-1 on `total` images, in percent, with its 95 % interval (Wilson, 1927)."""

    correct: int
    total: int

    @property
    def percent(self) -> float:
        return 100.0 * self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        n, p = self.total, self.correct / self.total
        centre, spread = p + Z * Z / (2 * n), Z * (p * (1 - p) / n + Z * Z / (4 * n * n)) ** 0.5
        return 100 * (centre - spread) / (1 + Z * Z / n), 100 * (centre + spread) / (1 + Z * Z / n)


@dataclass(frozen=True)
class Evaluation:
    """One integer network against its float network on the same images.

    drop          float top-1 minus integer top-1, in points; drop_margin half its 95 % interval, from the
                  images on which exactly one of the two is right (they are the same images, so the
                  intervals of the two accuracies do not apply to their difference)
    agreement     share of images, in percent, on which both predict the same class
    sqnr          signal to quantization noise ratio of the logits, in dB
    """

    method: str
    float_: Accuracy
    fake: Accuracy
    integer: Accuracy
    drop: float
    drop_margin: float
    agreement: float
    sqnr: float
    seconds: float = 0.0  # that quantization took
    weight_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""

        def accuracy(a: Accuracy) -> dict[str, Any]:
            return {"top1": a.percent, "interval": list(a.interval), "correct": a.correct, "images": a.total}

        return {
            "method": self.method,
            "float": accuracy(self.float_),
            "fake_quantized": accuracy(self.fake),
            "integer": accuracy(self.integer),
            "drop": self.drop,
            "drop_margin": self.drop_margin,
            "agreement": self.agreement,
            "logit_sqnr_db": self.sqnr,
            "quantization_seconds": self.seconds,
            "weight_bytes": self.weight_bytes,
        }


def evaluate(
    network: IntegerNetwork,
    reference: forward.Outputs,
    images: Images,
    *,
    method: str,
    seconds: float = 0.0,
    step: forward.Step | None = None,
    device: str = "cpu",
) -> Evaluation:
    """Compare network with the float logits `reference` (N, classes) of the same images.

    The integers are computed on torch, or on a GPU by its own kernels, and on the first images by golden.py
    as well: raises CheckFailed
    where the two differ. Raises InputError for a network without a linear layer, and for images without
    labels or with labels beyond the classes.
    """
    require_classes(network)
    labels = checked_labels(images, network.num_classes)
    require_golden_logits(network, images.pixels[:PROVEN_IMAGES])
    integer = integer_logits(network, images.pixels, step, device)
    fake = forward.fake_quantized_outputs(network, images.pixels, step)
    return compare(
        reference,
        fake,
        integer,
        labels,
        method=method,
        seconds=seconds,
        weight_bytes=weight_bytes(network),
    )


def require_classes(network: FusedNetwork | IntegerNetwork) -> None:
    """Raise InputError for a network without a linear layer: top-1 is a share of predicted classes."""
    if network.linear is None:
        raise InputError(
            f"{network.name} is read without a linear layer, and top-1 needs classes: evaluate takes no "
            "--head none; fuse, generate and simulate do"
        )


def integer_logits(
    network: IntegerNetwork, pixels: NDArray[np.uint8], step: forward.Step | None, device: str
) -> forward.Outputs:
    """The integer model's logits (N, classes) in the float network's unit, computed on `device`."""
    if device == "cpu":
        return forward.integer_outputs(network, pixels, step)
    from repvgg_hw import gpu  # Triton, which not every installation has

    first = pixels[:PROVEN_IMAGES]
    expected = golden.forward(golden.quantize_input(first, network), network)
    if not np.array_equal(gpu.logits_of_pixels(first, network, device), expected):
        raise CheckFailed(
            f"the integer model on {device} differs from golden on the first {len(first)} images"
        )
    logits = gpu.logits_of_pixels(pixels, network, device).astype(np.float64) * network.output_scale
    if step is not None:
        step(len(pixels))
    return logits


def compare(
    reference: forward.Outputs,
    fake: forward.Outputs,
    integer: forward.Outputs,
    labels: NDArray[np.int64],
    *,
    method: str,
    seconds: float = 0.0,
    weight_bytes: int = 0,
) -> Evaluation:
    """An Evaluation from the logits (N, classes) of the three models and labels (N,)."""
    n = len(labels)
    expected, got = top1(reference), top1(integer)
    right, still = expected == labels, got == labels
    lost, won = int((right & ~still).sum()), int((still & ~right).sum())
    noise = float(((integer - reference) ** 2).mean())
    signal = float(reference.var())
    return Evaluation(
        method=method,
        float_=Accuracy(int(right.sum()), n),
        fake=Accuracy(int((top1(fake) == labels).sum()), n),
        integer=Accuracy(int(still.sum()), n),
        drop=100.0 * (lost - won) / n,
        drop_margin=100.0 * Z * max(lost + won - (lost - won) ** 2 / n, 0.0) ** 0.5 / n,
        agreement=100.0 * float((expected == got).mean()),
        sqnr=10 * float(np.log10(signal / noise)) if noise > 0 and signal > 0 else float("inf"),
        seconds=seconds,
        weight_bytes=weight_bytes,
    )


def top1(logits: forward.Outputs) -> NDArray[np.int64]:
    """The predicted class, the lowest index among equals, as golden.top1: (N, classes) -> (N,)."""
    return np.asarray(logits.argmax(axis=1), dtype=np.int64)


def require_golden_logits(network: IntegerNetwork, pixels: NDArray[np.uint8]) -> None:
    """Raise CheckFailed unless torch gives exactly golden.py's logits on pixels (N, H, W, C)."""
    expected = golden.forward(golden.quantize_input(pixels, network), network)
    got = np.rint(forward.integer_outputs(network, pixels) / network.output_scale).astype(np.int64)
    for image, klass in np.argwhere(expected != got)[:1]:
        raise CheckFailed(
            f"integer logits differ from the golden model: image {image}, class {klass}, "
            f"expected {expected[image, klass]}, got {got[image, klass]}"
        )


def map_sqnr(fused: FusedNetwork, network: IntegerNetwork, pixels: NDArray[np.uint8]) -> float:
    """Signal to quantization noise ratio, in dB, of a headless network's last map on pixels (N, H, W, C)."""
    wanted = forward.float_outputs(fused, pixels, network.mean, network.std)
    noise = float(np.square(forward.integer_outputs(network, pixels) - wanted).mean())
    signal = float(np.square(wanted).mean())
    return 10 * float(np.log10(signal / noise)) if noise > 0 and signal > 0 else float("inf")


def without(calibration: NDArray[np.uint8], test: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The calibration images (N, H, W, C) that are not, pixel for pixel, among the test images."""
    seen = {p.tobytes() for p in test}
    keep = [i for i, p in enumerate(calibration) if p.tobytes() not in seen]
    if not keep and len(calibration):
        raise InputError("every calibration image is also a test image: calibrate on images of their own")
    return calibration[keep]


def weight_bytes(network: IntegerNetwork) -> int:
    """Memory of all weights at their own widths, in bytes, rounded up."""
    bits = sum(conv.weight.size * conv.weight_bits for conv in network.convs)
    if network.linear is not None:
        bits += network.linear.weight.size * network.linear.weight_bits
    return -(-bits // 8)
