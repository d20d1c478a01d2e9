"""The state of reading one graph: constants, values, and the layers found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from repvgg_hw.checkpoint.onnx_graph.constants import Constant
from repvgg_hw.checkpoint.onnx_graph.op import Op
from repvgg_hw.checkpoint.onnx_graph.values import Map, Size, Value, Vector
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.graph import Array, Node, chain


@dataclass
class Reading:
    """What is known after some of the nodes, which ONNX keeps in topological order."""

    path: Path
    constants: dict[str, Constant] = field(default_factory=dict)
    shapes: dict[str, int] = field(default_factory=dict)  # arithmetic on shapes, and how long it is at most
    values: dict[str, Value] = field(default_factory=dict)
    layers: list[Node] = field(default_factory=list)  # each ended by a ReLU
    widths: list[int] = field(default_factory=list)  # channels of the input and of each layer
    logits: str = ""  # the tensor in front of what is left out: a Softmax, or all behind the last ReLU
    last_map: str = ""  # the tensor behind the last ReLU so far
    input_size: Size | None = None  # where the graph fixes it
    needs_size: bool = False  # a pooling's kernel is made for this size

    def refuse(self, op: Op, why: str) -> InputError:
        """The error that names a node."""
        return InputError(f"{self.path}: node {op.label} does not fit: {why}")

    def value(self, op: Op, index: int = 0) -> Value:
        """An input that depends on the network's input."""
        name = op.inputs[index]
        if name not in self.values:
            raise self.refuse(op, f"its input {name} is not a map of this network")
        return self.values[name]

    def map(self, op: Op, index: int = 0) -> Map:
        """An input in front of the global average pooling."""
        value = self.value(op, index)
        if isinstance(value, Vector):
            raise self.refuse(op, "it follows the global average pooling")
        return value

    def vector(self, op: Op) -> Vector:
        """The first input, behind the global average pooling."""
        value = self.value(op)
        if isinstance(value, Map):
            raise self.refuse(op, "the global average pooling is not in front of it")
        return value

    def constant(self, op: Op, index: int) -> Array:
        """An input that is constant, in float64."""
        name = op.inputs[index]
        if name not in self.constants:
            raise self.refuse(op, f"its input {name} is not a constant")
        array = np.asarray(self.constants[name], dtype=np.float64)
        if not np.isfinite(array).all():
            raise self.refuse(op, f"{name} is not finite")
        return array

    def optional(self, op: Op, index: int) -> Array | None:
        """The same for an input that may be left out."""
        return self.constant(op, index) if index < len(op.inputs) and op.inputs[index] else None

    def end_layer(self, op: Op, x: Map) -> Map:
        """The ReLU behind x: one more layer."""
        self.layers.append(x.node)
        self.widths.append(x.channels)
        self.last_map = op.outputs[0]
        return Map(len(self.layers), chain(), x.channels, x.size)
