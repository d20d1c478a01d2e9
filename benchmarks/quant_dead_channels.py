"""Plant dead channels in a trained RepVGG and see what each method loses.

    python benchmarks/quant_dead_channels.py CHECKPOINT --data PATH --calibration PATH [--limit N]

In several layers, output channels are silenced (weights 0, bias -1) and the next layer's identity tap
of each gets gamma / sigma from 100 to 1500 added, as a batch norm with variance near 0 leaves it. The
network without those taps is the reference: both have the same float output, by construction.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from repvgg_hw.checkpoint import load_fused
from repvgg_hw.errors import InputError
from repvgg_hw.measure.accuracy import evaluate
from repvgg_hw.model.images import checked_labels, load_images
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, FusedNetwork
from repvgg_hw.quantize import DEFAULT_METHOD, quantize
from repvgg_hw.quantize.forward import float_outputs

GAINS = np.geomspace(100, 1500, 4)  # gamma / sigma of the identity branch, one per planted channel


def plant(network: FusedNetwork, layers: int, channels: int, seed: int) -> tuple[FusedNetwork, FusedNetwork]:
    """(silenced, silenced and with huge identity taps): the same function, floats equal."""
    rng = np.random.default_rng(seed)
    convs = list(network.convs)
    candidates = [
        i
        for i in range(len(convs) - 1)
        if convs[i + 1].stride == 1 and convs[i + 1].weight.shape[0] == convs[i + 1].weight.shape[1]
    ]
    chosen = rng.choice(candidates, size=layers, replace=False)
    for i in chosen:
        dead = rng.choice(len(convs[i].bias), size=channels, replace=False)
        weight, bias = convs[i].weight.copy(), convs[i].bias.copy()
        weight[dead], bias[dead] = 0.0, -1.0
        convs[i] = replace(convs[i], weight=weight, bias=bias)
    silenced = replace(network, convs=tuple(convs))
    for i in chosen:
        dead = np.flatnonzero((convs[i].bias == -1.0) & ~convs[i].weight.any(axis=(1, 2, 3)))
        weight = convs[i + 1].weight.copy()
        weight[dead, dead, 1, 1] += np.resize(GAINS, len(dead))
        convs[i + 1] = replace(convs[i + 1], weight=weight)
    return silenced, replace(network, convs=tuple(convs))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True)
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--calibration-limit", type=int, default=512)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--method", action="append")
    args = parser.parse_args()
    images = load_images(args.data, limit=args.limit)
    calibration = load_images(args.calibration, limit=args.calibration_limit).pixels
    silenced, planted = plant(load_fused(args.checkpoint), args.layers, args.channels, seed=0)
    if silenced.linear is None:
        raise InputError(f"{args.checkpoint} has no linear layer, and top-1 needs classes")
    checked_labels(images, len(silenced.linear.bias))
    reference = float_outputs(silenced, images.pixels, IMAGENET_MEAN, IMAGENET_STD)
    same = float_outputs(planted, images.pixels, IMAGENET_MEAN, IMAGENET_STD)
    print(f"largest difference of the two float networks' logits: {np.abs(reference - same).max():.3g}")
    for method in args.method or ["minmax", DEFAULT_METHOD]:
        for name, network in (("without", silenced), ("planted", planted)):
            integer = quantize(network, calibration, mean=IMAGENET_MEAN, std=IMAGENET_STD, method=method)
            e = evaluate(integer, reference, images, method=method)
            print(
                f"{method:10s} {name}: float {e.float_.percent:.2f} integer {e.integer.percent:.2f} "
                f"drop {e.drop:+.2f} ± {e.drop_margin:.2f} agreement {e.agreement:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
