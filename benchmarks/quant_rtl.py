"""Whole-network RTL on real images against the integer model that `evaluate` measures: the same logits.

    python benchmarks/quant_rtl.py CHECKPOINT --data PATH --calibration PATH [--images 8] [--multipliers 2048]

Quantizes as `evaluate` and `generate --calibration` do (same calibration images, default method), writes the
Verilog of the whole network, simulates it on evenly spread test images, compares every output of every layer
with the golden model, and the simulated logits with those that `evaluate` computes. Ends with exit code 1
where one bit differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from repvgg_hw import golden
from repvgg_hw.checkpoint import load_fused
from repvgg_hw.design import Design
from repvgg_hw.errors import CheckFailed
from repvgg_hw.measure.accuracy import integer_logits, without
from repvgg_hw.model.images import Images, load_images
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, IntegerNetwork
from repvgg_hw.plan.request import Request
from repvgg_hw.quantize import DEFAULT_METHOD, quantize
from repvgg_hw.quantize.forward import float_outputs
from repvgg_hw.targets.generate import generate
from repvgg_hw.targets.verilog.judge import read_logits
from repvgg_hw.targets.verilog.simulate import require, simulate_network


def spread(images: Images, count: int) -> Images:
    """`count` of the images, evenly spread over the classes."""
    chosen = np.arange(count) * len(images) // count
    assert images.labels is not None
    return Images(images.pixels[chosen], images.labels[chosen], tuple(images.names[i] for i in chosen))


def evaluated(network: IntegerNetwork, images: Images) -> np.ndarray:
    """The integer logits (N, classes) behind `evaluate`'s figures."""
    logits = integer_logits(network, images.pixels, None, "cpu") / network.output_scale
    return np.asarray(np.rint(logits), dtype=np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True)
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--calibration-limit", type=int)
    parser.add_argument("--method", default=DEFAULT_METHOD)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--multipliers", type=int, default=2048)
    parser.add_argument("--output", type=Path, default=Path("build/bench/quant_rtl"))
    args = parser.parse_args()
    fused, tests = load_fused(args.checkpoint), load_images(args.data)
    calibration = without(load_images(args.calibration, limit=args.calibration_limit).pixels, tests.pixels)
    images = spread(tests, args.images)
    network = quantize(fused, calibration, mean=IMAGENET_MEAN, std=IMAGENET_STD, method=args.method)
    print(f"{args.method}, {len(calibration)} calibration images", flush=True)

    request = Request("verilog", args.multipliers)
    design: Design[Any] = generate(network, args.output, request, {"random": False})
    result = simulate_network(design, golden.quantize_input(images.pixels, network), labels=images.labels)
    require(result)
    log = (args.output / "build" / "check.log").read_text().splitlines()
    simulated, expected = read_logits(log, design.plan, len(images)), evaluated(network, images)
    if simulated is None or not np.array_equal(simulated, expected):
        raise CheckFailed("the simulated logits are not those of the evaluated integer model")
    reference = float_outputs(fused, images.pixels, IMAGENET_MEAN, IMAGENET_STD)
    print(f"{'image':32s} label float integer RTL")
    assert images.labels is not None
    for row in zip(
        images.names, images.labels, reference.argmax(1), expected.argmax(1), simulated.argmax(1), strict=True
    ):
        print("{:32s} {:5d} {:5d} {:7d} {:3d}".format(*row))
    print(
        f"{result.bit_exact} of {result.images} images bit-exact in every layer, "
        f"{simulated.size} logits equal; {design.plan.multipliers} multipliers, {result.frame_interval} "
        f"cycles a frame, planned {result.planned_interval}; "
        f"simulator built in {result.build_seconds} s, ran {result.run_seconds} s"
    )


if __name__ == "__main__":
    try:
        main()
    except CheckFailed as failed:
        sys.exit(f"check failed: {failed}")
