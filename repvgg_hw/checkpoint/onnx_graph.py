"""Import an ONNX graph: a chain of 3x3 + ReLU, fused or with branches and BN, global pool, one linear layer.

Every tensor is followed as a graph of linear operations over the last ReLU's output; a ReLU ends a layer.
What does not fit is refused by naming the node. Only structure and numbers are read: no operator is ever run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repvgg_hw.checkpoint.imported import Imported, assemble
from repvgg_hw.checkpoint.infer import BlockShape
from repvgg_hw.checkpoint.naming import NamedBlock, NamedNetwork
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.block import Block
from repvgg_hw.fuse.collapse import collapse
from repvgg_hw.fuse.graph import (
    Affine,
    Array,
    Chain,
    Conv,
    Node,
    Sum,
    chain,
    convolutions,
    is_identity,
    stride_of,
)

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

MAX_BYTES = 2 << 30  # ONNX's own limit for one file


@dataclass(frozen=True)
class _Value:
    """A tensor: operations over the output of layer `source` (0 is the network's input)."""

    source: int
    node: Node
    channels: int
    pooled: bool = False  # (N, C) or (N, C, 1, 1): behind the global average pooling


@dataclass
class _Layers:
    """The layers found so far, and the linear layer behind them."""

    graphs: list[Node] = field(default_factory=list)
    c_in: list[int] = field(default_factory=list)
    linear_weight: Array | None = None
    linear_bias: Array | None = None


def import_onnx(path: Path) -> Imported:
    """Read an .onnx file. Raises InputError that names the first node that does not fit."""
    model = _load(path)
    graph = model.graph
    try:
        return _Reader(path, model).read()
    except InputError:
        raise
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{path}: graph {graph.name!r} is not understood ({error})") from error


class _Reader:
    """Walks the nodes, which ONNX keeps in topological order."""

    def __init__(self, path: Path, model: ModelProto) -> None:
        from onnx import numpy_helper

        self.path, self.graph = path, model.graph
        self.constants: dict[str, np.ndarray] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in self.graph.initializer
        }
        self.values: dict[str, _Value] = {}
        self.layers = _Layers()
        self.handlers: dict[str, Callable[[NodeProto, dict[str, Any]], _Value]] = {
            "Conv": self._conv,
            "BatchNormalization": self._batch_norm,
            "Add": self._add,
            "Relu": self._relu,
            "GlobalAveragePool": self._pool,
            "ReduceMean": self._reduce_mean,
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Identity", "Dropout"), self._same),
        }

    def read(self) -> Imported:
        inputs = [i for i in self.graph.input if i.name not in self.constants]
        if len(inputs) != 1:
            raise InputError(f"{self.path}: {len(inputs)} inputs; a network with one is needed")
        channels = inputs[0].type.tensor_type.shape.dim[1].dim_value
        if channels < 1:
            raise InputError(f"{self.path}: input {inputs[0].name} has no fixed number of channels")
        self.values[inputs[0].name] = _Value(0, Chain(()), channels)
        for node in self.graph.node:
            self._visit(node)
        return self._finish()

    def _visit(self, node: NodeProto) -> None:
        from onnx import helper, numpy_helper

        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            self.constants[node.output[0]] = numpy_helper.to_array(attributes["value"])
            return
        if not any(name in self.values for name in node.input):
            if node.op_type in ("Shape", "Constant", "Gather", "Concat", "Unsqueeze"):
                return  # the arithmetic of a Reshape's target
            raise self._refuse(node, "it does not depend on the input")
        if node.op_type == "Shape":
            return
        handler = self.handlers.get(node.op_type)
        if handler is None:
            raise self._refuse(node, "only 3x3 Conv, BatchNormalization, Add, Relu, global pool, Gemm fit")
        if self.layers.linear_weight is not None and node.op_type not in ("Add", "Identity"):
            raise self._refuse(node, "it follows the linear layer")
        self.values[node.output[0]] = handler(node, attributes)

    def _conv(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        x, weight = self._map(node), self._constant(node, 1)
        kh, kw = weight.shape[2:]
        strides, pads = attributes.get("strides", [1, 1]), attributes.get("pads", [0] * 4)
        if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b""):
            raise self._refuse(node, "auto_pad")
        if any(d != 1 for d in attributes.get("dilations", [1, 1])):
            raise self._refuse(node, "dilation")
        if strides[0] != strides[1] or strides[0] not in (1, 2):
            raise self._refuse(node, f"strides {list(strides)}")
        if not {kh, kw} <= {1, 3} or list(pads) != [kh // 2, kw // 2] * 2:
            raise self._refuse(node, f"a {kh}x{kw} kernel with pads {list(pads)}")
        bias = self._constant(node, 2) if len(node.input) > 2 else None
        conv = Conv(weight, bias, strides[0], (kh // 2, kw // 2), attributes.get("group", 1))
        return _Value(x.source, chain(x.node, conv), len(weight))

    def _batch_norm(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        x = self._map(node)
        gamma, beta, mean, var = (self._constant(node, i) for i in range(1, 5))
        if attributes.get("training_mode", 0):
            raise self._refuse(node, "it was exported in training mode")
        scale = gamma / np.sqrt(var + attributes.get("epsilon", 1e-5))
        return _Value(x.source, chain(x.node, Affine(scale, beta - scale * mean)), x.channels)

    def _add(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        constant = next((n for n in node.input if n in self.constants), None)
        if constant is not None and self.layers.linear_weight is not None:
            self.layers.linear_bias = self._finite(node, constant).reshape(-1)
            return next(self.values[name] for name in node.input if name in self.values)
        a, b = (self._value(node, i) for i in range(2))
        if a.source != b.source or a.channels != b.channels or a.pooled or b.pooled:
            raise self._refuse(node, "its two inputs do not start at the same layer")
        return _Value(a.source, Sum((a.node, b.node)), a.channels)

    def _relu(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        x = self._map(node)
        if x.source != len(self.layers.graphs):
            raise self._refuse(node, "layers do not form one chain")
        if is_identity(x.node):
            raise self._refuse(node, "no convolution before it")
        self.layers.graphs.append(x.node)
        self.layers.c_in.append(self._inputs_of(x.node))
        return _Value(x.source + 1, Chain(()), x.channels)

    def _inputs_of(self, node: Node) -> int:
        first = next(convolutions(node), None)
        if first is None:
            raise InputError(f"{self.path}: layer {len(self.layers.graphs)} has no convolution")
        return int(first.weight.shape[1]) * first.groups

    def _pool(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        x = self._map(node)
        if x.source != len(self.layers.graphs) or not is_identity(x.node):
            raise self._refuse(node, "it does not follow the last ReLU")
        return _Value(x.source, x.node, x.channels, pooled=True)

    def _reduce_mean(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        axes = attributes.get("axes") or (self.constants[node.input[1]] if len(node.input) > 1 else ())
        if sorted(int(a) % 4 for a in axes) != [2, 3]:
            raise self._refuse(node, f"axes {list(axes)}; a mean over height and width is needed")
        return self._pool(node, attributes)

    def _same(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        x = self._value(node, 0)
        if not x.pooled and node.op_type not in ("Identity", "Dropout"):
            raise self._refuse(node, "it reshapes a map before the global average pooling")
        return x

    def _gemm(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        plain = attributes.get("alpha", 1.0) == attributes.get("beta", 1.0) == 1.0
        if not plain or attributes.get("transA", 0):
            raise self._refuse(node, "alpha, beta or transA")
        weight = self._constant(node, 1)
        bias = self._constant(node, 2) if len(node.input) > 2 else None
        return self._linear(node, weight if attributes.get("transB", 0) else weight.T, bias)

    def _matmul(self, node: NodeProto, attributes: dict[str, Any]) -> _Value:
        return self._linear(node, self._constant(node, 1).T, None)

    def _linear(self, node: NodeProto, weight: Array, bias: Array | None) -> _Value:
        x = self._value(node, 0)
        if not x.pooled or weight.ndim != 2 or weight.shape[1] != x.channels:
            raise self._refuse(node, "it is not one linear layer behind the global average pooling")
        self.layers.linear_weight = np.ascontiguousarray(weight)
        self.layers.linear_bias = bias
        return x

    def _finish(self) -> Imported:
        layers = self.layers
        if layers.linear_weight is None or not layers.graphs:
            raise InputError(f"{self.path}: no chain of convolutions with a linear layer behind it")
        if self.graph.output[0].name not in self.values or len(self.graph.output) != 1:
            raise InputError(f"{self.path}: the linear layer's output must be the graph's only output")
        bias = np.zeros(len(layers.linear_weight)) if layers.linear_bias is None else layers.linear_bias
        blocks, shapes, strides = [], [], []
        for index, (graph, c_in) in enumerate(zip(layers.graphs, layers.c_in, strict=True)):
            convs = list(convolutions(graph))
            groups = math.gcd(*(conv.groups for conv in convs))
            kernel, offset = collapse(graph, c_in, groups)
            family = "ONNX conv" if len(convs) == 1 else "ONNX branches"
            blocks.append(Block(family, graph, kernel, offset, {}, (), ()))
            shapes.append(BlockShape(c_in, len(kernel), groups, None))
            strides.append(stride_of(graph))
            if index and shapes[index - 1].c_out != c_in:
                raise InputError(
                    f"{self.path}: layer {index} reads {c_in} channels, the one before gives others"
                )
        named = NamedNetwork(
            "onnx",
            tuple(NamedBlock(f"layer {i}", None, {}) for i in range(len(blocks))),
            "linear",
            layers.linear_weight,
            bias,
            (),
        )
        return assemble(str(self.path), named, shapes, strides, blocks, 1e-5)

    def _value(self, node: NodeProto, index: int) -> _Value:
        name = node.input[index]
        if name not in self.values:
            raise self._refuse(node, f"its input {name} is not a map of this network")
        return self.values[name]

    def _map(self, node: NodeProto) -> _Value:
        value = self._value(node, 0)
        if value.pooled:
            raise self._refuse(node, "it follows the global average pooling")
        return value

    def _constant(self, node: NodeProto, index: int) -> Array:
        name = node.input[index]
        if name not in self.constants:
            raise self._refuse(node, f"its input {name} is not a constant")
        return self._finite(node, name)

    def _finite(self, node: NodeProto, name: str) -> Array:
        array = np.asarray(self.constants[name], dtype=np.float64)
        if not np.isfinite(array).all():
            raise self._refuse(node, f"{name} is not finite")
        return array

    def _refuse(self, node: NodeProto, why: str) -> InputError:
        name = node.name or (node.output[0] if node.output else "?")
        return InputError(f"{self.path}: node {name} ({node.op_type}) does not fit: {why}")


def _load(path: Path) -> ModelProto:
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"{path}: needs the extra: pip install 'repvgg-hw[onnx]'") from error
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not 0 < path.stat().st_size <= MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes is no ONNX file's size")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf raises its own kinds
        raise InputError(f"{path}: not an ONNX file, or truncated ({type(error).__name__})") from error
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise InputError(f"{path}: weights in a second file; save the model with its weights inside")
    return model
