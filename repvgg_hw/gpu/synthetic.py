"""Integer networks with random numbers, for timing and for tests: real shapes, no training, no torch.

Their values are spread as a trained network's are (about half the activations are zero, few saturate),
because a chip's speed and power depend on the data: multiplying zeros can be faster.
"""

from __future__ import annotations

import numpy as np

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MULTIPLIER_BITS,
    Architecture,
    IntegerConv,
    IntegerLinear,
    IntegerNetwork,
)

PROBE_SIZE = 32  # height and width of the input that sets the scales
TARGET_STD = 60.0  # of a layer's output before clamping to [0, 255]


def synthetic_network(
    architecture: Architecture, size: tuple[int, int] = (224, 224), seed: int = 0
) -> IntegerNetwork:
    """An IntegerNetwork of the architecture's shapes for inputs of size (H, W).

    Raises InputError for an architecture with squeeze-and-excitation, which integers do not cover.
    """
    if architecture.se is not None:
        raise InputError(
            f"{architecture.name}: squeeze-and-excitation has no integer form; choose another model"
        )
    rng = np.random.default_rng(seed)
    x: np.ndarray[tuple[int, ...], np.dtype[np.integer]]
    x = rng.integers(-128, 128, (1, architecture.in_channels, PROBE_SIZE, PROBE_SIZE)).astype(np.int8)
    convs = []
    for index, shape in enumerate(architecture.convs()):
        spread = rng.normal(0, 32, (shape.c_out, shape.c_in // shape.groups, 3, 3))
        weight = np.clip(np.rint(spread), -127, 127).astype(np.int8)
        acc = golden.conv3x3(x, weight, shape.stride, shape.groups)
        bias = -np.rint(acc.mean(axis=(0, 2, 3))).astype(np.int32)
        std = (
            np.maximum(acc.std(axis=(0, 2, 3)), 1.0)
            if acc[0, 0].size > 1
            else np.full(shape.c_out, acc.std() + 1)
        )
        ratio = TARGET_STD / std  # multiplier / 2**shift
        shift = max(int(np.floor(MULTIPLIER_BITS - np.log2(ratio.max()))) - 1, 1)
        multiplier = np.clip(np.rint(ratio * 2.0**shift), 1, (1 << MULTIPLIER_BITS) - 1).astype(np.int32)
        conv = IntegerConv(
            shape.name, weight, bias, multiplier, shift, shape.stride, shape.groups, in_signed=index == 0
        )
        convs.append(conv)
        x = golden.conv_layer(x, conv)
    classes = architecture.num_classes
    linear = IntegerLinear(
        weight=np.clip(np.rint(rng.normal(0, 32, (classes, architecture.widths[-1]))), -127, 127).astype(
            np.int8
        ),
        bias=rng.integers(-1000, 1001, classes).astype(np.int32),
    )
    return IntegerNetwork(
        name=f"{architecture.name} (random weights)",
        in_shape=(architecture.in_channels, *size),
        input_scale=0.02,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        convs=tuple(convs),
        linear=linear,
        output_scale=1.0,
    )
