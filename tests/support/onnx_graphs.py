"""Small ONNX graphs, written node by node: one network in the many forms that exporters give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

_RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32)


W0, B0, W1, B1 = numbers(4, 3, 3, 3), numbers(4), numbers(6, 4, 3, 3), numbers(6)
WL, BL = numbers(5, 6), numbers(5)
STRIDES = (2, 1)


def double(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).double()


def logits(x: np.ndarray) -> np.ndarray:
    """The network itself: two layers of stride 2 and 1, pooling, linear layer; in float64."""
    t = double(x)
    for w, b, stride in ((W0, B0, 2), (W1, B1, 1)):
        t = torch.relu(F.conv2d(t, double(w), double(b), stride, 1))
    return np.asarray(F.linear(t.mean((2, 3)), double(WL), double(BL)))


class Graph:
    """Nodes in the order in which they are asked for; every method returns its output's name."""

    def __init__(self, opset: int = 13, shape: Sequence[int | str] = ("N", 3, "H", "W")) -> None:
        self.opset, self.shape = opset, shape
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []

    def store(self, array: Any, dtype: Any = np.float32) -> str:
        """An initializer."""
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def whole(self, *values: int) -> str:
        """An initializer of int64."""
        return self.store(np.array(values), np.int64)

    def constant(self, array: np.ndarray) -> str:
        """A Constant node."""
        return self("Constant", value=numpy_helper.from_array(array, "value"))

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [name], name=f"n{len(self.nodes)}", **attributes)
        )
        return name

    def model(self, output: str, elem_type: int = TensorProto.FLOAT) -> onnx.ModelProto:
        """The model whose only output is that tensor."""
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", elem_type, self.shape)],
            [helper.make_tensor_value_info(output, elem_type, None)],
            self.stored,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 8
        return model


def plain_conv(g: Graph, x: str, w: np.ndarray, b: np.ndarray, stride: int) -> str:
    return g("Conv", x, g.store(w), g.store(b), strides=[stride] * 2, pads=[1] * 4)


def relu(g: Graph, x: str) -> str:
    return g("Relu", x)


def pool(g: Graph, x: str) -> str:
    return g("GlobalAveragePool", x)


def flatten(g: Graph, x: str) -> str:
    return g("Flatten", x)


def gemm(g: Graph, x: str) -> str:
    return g("Gemm", x, g.store(WL), g.store(BL), transB=1)


def nothing(g: Graph, x: str) -> str:
    return x


Step = Callable[[Graph, str], str]


def network(
    path: Path,
    *,
    opset: int = 13,
    shape: Sequence[int | str] = ("N", 3, "H", "W"),
    conv: Callable[[Graph, str, np.ndarray, np.ndarray, int], str] = plain_conv,
    activation: Step = relu,
    pool: Step = pool,
    flatten: Step = flatten,
    head: Step = gemm,
    tail: Step = nothing,
) -> Path:
    """The network of `logits` with some of its steps written in another way."""
    g = Graph(opset, shape)
    x = "x"
    for w, b, stride in ((W0, B0, 2), (W1, B1, 1)):
        x = activation(g, conv(g, x, w, b, stride))
    onnx.save(g.model(tail(g, head(g, flatten(g, pool(g, x))))), path)
    return path
