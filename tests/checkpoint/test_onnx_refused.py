"""ONNX graphs that do not fit are refused in one line that names the node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx_graphs import BL, W1, WL, Graph, network, numbers, plain_conv

from repvgg_hw.checkpoint import import_network
from repvgg_hw.errors import InputError


def conv(**attributes: Any) -> Callable[[Graph, str, np.ndarray, np.ndarray, int], str]:
    def step(g: Graph, x: str, w: np.ndarray, b: np.ndarray, stride: int) -> str:
        return g(
            "Conv", x, g.store(w), g.store(b), **({"pads": [1] * 4, "strides": [stride] * 2} | attributes)
        )

    return step


def gate(g: Graph, x: str) -> str:
    return g("Mul", x, g("Sigmoid", x))


def skip(g: Graph, x: str) -> str:
    """A residual over an activation: two maps that start at different layers."""
    y = g("Relu", x)
    if W1.shape[0] != 6 or len(g.nodes) < 4:
        return y
    return g("Add", y, g("Conv", y, g.store(numbers(6, 6, 1, 1))))


NODES: dict[str, tuple[dict[str, Any], str]] = {
    "LeakyRelu": ({"activation": lambda g, x: g("LeakyRelu", x)}, "another activation; hardware has ReLU"),
    "HardSwish": ({"opset": 14, "activation": lambda g, x: g("HardSwish", x)}, "another activation"),
    "SiLU": ({"activation": gate}, "an activation or gate on a map"),
    "ReLU6": ({"activation": lambda g, x: g("Clip", x, g.store(0), g.store(6))}, "6, as of ReLU6"),
    "Clip from 1": ({"activation": lambda g, x: g("Clip", x, g.store(1))}, "lower bound is not 0"),
    "Clip, no bounds": ({"activation": lambda g, x: g("Clip", x)}, "lower bound is not 0"),
    "max pooling": ({"pool": lambda g, x: g("GlobalMaxPool", x)}, "max pooling"),
    "MaxPool": (
        {"activation": lambda g, x: g("MaxPool", g("Relu", x), kernel_shape=[2, 2])},
        "max pooling",
    ),
    "average pooling 2x2": (
        {"activation": lambda g, x: g("AveragePool", g("Relu", x), kernel_shape=[2, 2], strides=[2, 2])},
        "must be global, or 3x3",
    ),
    "average of another size": (
        {"shape": (1, 3, 9, 12), "pool": lambda g, x: g("AveragePool", x, kernel_shape=[4, 6])},
        "must be global",
    ),
    "asymmetric pads": ({"conv": conv(pads=[0, 0, 1, 1])}, r"pads \[0, 0, 1, 1\]"),
    "no pads": ({"conv": conv(pads=[0] * 4)}, "same padding on all sides"),
    "auto_pad": ({"conv": conv(auto_pad="SAME_UPPER", pads=None)}, "auto_pad SAME_UPPER with stride 2"),
    "dilation": ({"conv": conv(dilations=[2, 2], pads=[2] * 4)}, r"dilations \[2, 2\]"),
    "stride 3": ({"conv": conv(strides=[3, 3])}, r"strides \[3, 3\]"),
    "two strides": ({"conv": conv(strides=[1, 2])}, r"strides \[1, 2\]"),
    "groups": ({"conv": conv(group=3)}, "in 3 groups over 3 channels"),
    "bias of another size": (
        {"conv": lambda g, x, w, b, s: g("Conv", x, g.store(w), g.store(w), pads=[1] * 4)},
        r"a bias of shape \(4, 3, 3, 3\) for 4 outputs",
    ),
    "bias along the width": (
        {"conv": lambda g, x, w, b, s: g("Add", g("Conv", x, g.store(w), pads=[1] * 4), g.store(b))},
        r"a constant of shape \(4,\) does not run along channels",
    ),
    "bias per pixel": (
        {
            "conv": lambda g, x, w, b, s: g(
                "Add", plain_conv(g, x, w, b, s), g.store(numbers(1, len(b), 5, 6))
            )
        },
        "does not run along channels",
    ),
    "division by zero": (
        {"activation": lambda g, x: g("Relu", g("Div", x, g.store(0)))},
        "a division by the map, or by zero",
    ),
    "division by the map": (
        {"activation": lambda g, x: g("Relu", g("Div", g.store(1), x))},
        "a division by the map, or by zero",
    ),
    "normalised inside": (
        {"conv": lambda g, x, w, b, s: plain_conv(g, g("Sub", x, g.store(0.5)) if x == "x" else x, w, b, s)},
        "give --mean and --std",
    ),
    "BN in training": (
        {
            "opset": 14,
            "activation": lambda g, x: g(
                "Relu",
                g(
                    "BatchNormalization",
                    x,
                    *(g.store(np.ones(4 if len(g.nodes) < 2 else 6)) for _ in range(4)),
                    training_mode=1,
                ),
            ),
        },
        "training mode",
    ),
    "Dropout in training": (
        {"flatten": lambda g, x: g("Dropout", g("Flatten", x), g.store(0.5), g.store(True, np.bool_))},
        "training mode",
    ),
    "quantized": (
        {"activation": lambda g, x: g("QuantizeLinear", g("Relu", x), g.store(0.1))},
        "export the float network",
    ),
    "mean over channels": (
        {"pool": lambda g, x: g("ReduceMean", x, axes=[1, 2])},
        "a mean over height and width",
    ),
    "Reshape": ({"flatten": lambda g, x: g("Reshape", x, g.whole(1, 2, 3))}, r"to shape \[1, 2, 3\]"),
    "Flatten": ({"flatten": lambda g, x: g("Flatten", x, axis=2)}, "axis 2"),
    "Squeeze of all": ({"flatten": lambda g, x: g("Squeeze", x)}, "axes None"),
    "Flatten before pooling": ({"pool": lambda g, x: x}, "reshapes a map before the global average pooling"),
    "not flattened": ({"flatten": lambda g, x: x}, "pooled and flattened"),
    "transA": ({"head": lambda g, x: g("Gemm", x, g.store(WL), transA=1)}, "transA"),
    "two linear layers": (
        {"tail": lambda g, x: g("Gemm", x, g.store(numbers(5, 5)), transB=1)},
        "a second linear layer",
    ),
    "ReLU behind": ({"tail": lambda g, x: g("Relu", x)}, "only one linear layer fits"),
    "Softmax along images": ({"tail": lambda g, x: g("Softmax", x, axis=0)}, "not that of the classes"),
    "bias behind Softmax": (
        {"tail": lambda g, x: g("Add", g("Softmax", x, axis=1), g.store(BL))},
        "it follows Softmax",
    ),
    "ArgMax": ({"tail": lambda g, x: g("ArgMax", x, axis=1)}, "up to its logits"),
    "no linear layer": ({"head": lambda g, x: x}, "the output is no linear layer's"),
    "residual over a ReLU": ({"activation": skip}, "does not follow the last ReLU"),
    "another domain": (
        {"activation": lambda g, x: g("Relu", x, domain="mine")},
        "an operator of mine",
    ),
    "not a known one": ({"activation": lambda g, x: g("Det", x)}, "only 3x3 Conv, BatchNormalization"),
    "old opset": ({"opset": 6}, r"opset \[6\]; one standard opset from 7 on"),
    "no channels": ({"shape": ("N", "C", "H", "W")}, "no fixed number of channels"),
    "three axes": ({"shape": ("N", 3, "W")}, "no fixed number of channels"),
}


@pytest.mark.parametrize("case", NODES)
def test_what_does_not_fit_is_refused_by_its_node(case: str, tmp_path: Path) -> None:
    form, message = NODES[case]
    with pytest.raises(InputError, match=message) as error:
        import_network(network(tmp_path / "net.onnx", **form))
    assert "\n" not in str(error.value)


def exploding(g: Graph, x: str) -> str:
    """The arithmetic of a shape that doubles forty times."""
    shape = g("Shape", x)
    for _ in range(40):
        shape = g("Concat", shape, shape, axis=0)
    return g("Reshape", x, shape)


def test_arithmetic_on_shapes_cannot_explode(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a shape of up to 128 numbers"):
        import_network(network(tmp_path / "net.onnx", flatten=exploding))
