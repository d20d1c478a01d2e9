"""Operators at and behind the global average pooling: itself, reshapes, the linear layer, its tail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from repvgg_hw.checkpoint.onnx_graph.constants import axes_of
from repvgg_hw.checkpoint.onnx_graph.op import Op
from repvgg_hw.checkpoint.onnx_graph.reading import Reading
from repvgg_hw.checkpoint.onnx_graph.values import Map, Value, pooled
from repvgg_hw.fuse.graph import Array, is_identity

_FLOAT_TYPES = (1, 10, 11, 16)  # FLOAT, FLOAT16, DOUBLE, BFLOAT16


def global_pool(reading: Reading, op: Op, *, four_axes: bool = True) -> Value:
    """The mean over height and width of the last layer's output."""
    x = reading.map(op)
    if x.source != len(reading.layers) or x.source == 0 or not is_identity(x.node):
        raise reading.refuse(op, "it does not follow the last ReLU")
    return pooled(x, four_axes=four_axes)


def reduce_mean(reading: Reading, op: Op) -> Value:
    """The same as a mean over the axes of space."""
    axes = axes_of(op, [reading.constants[name] for name in op.inputs[1:] if name in reading.constants])
    if axes is None or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise reading.refuse(op, f"axes {axes}; a mean over height and width is needed")
    return global_pool(reading, op, four_axes=bool(op.attributes.get("keepdims", 1)))


def same(reading: Reading, op: Op) -> Value:
    """Identity, Dropout and Cast: nothing happens in inference."""
    if op.type == "Cast" and op.attributes.get("to") not in _FLOAT_TYPES:
        raise reading.refuse(op, "a cast to numbers that are not floating point")
    if op.type == "Dropout" and len(op.inputs) > 2 and reading.constant(op, 2).any():
        raise reading.refuse(op, "it was exported in training mode")
    return reading.value(op)


def flatten(reading: Reading, op: Op) -> Value:
    """(N, C, 1, 1) -> (N, C)."""
    if op.attributes.get("axis", 1) not in (1, -3):
        raise reading.refuse(op, f"axis {op.attributes['axis']}")
    return _two_axes(reading, op)


def squeeze(reading: Reading, op: Op) -> Value:
    """(N, C, 1, 1) -> (N, C)."""
    x = reading.vector(op)
    axes = axes_of(op, [reading.constants[name] for name in op.inputs[1:] if name in reading.constants])
    if not x.four_axes or axes is None or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise reading.refuse(op, f"axes {axes}; height and width behind the pooling are needed")
    return _two_axes(reading, op)


def reshape(reading: Reading, op: Op) -> Value:
    """(N, C, 1, 1) -> (N, C); the shape may be computed, which the proof then checks."""
    x, target = reading.vector(op), op.inputs[1]
    if target in reading.shapes:
        return _two_axes(reading, op)
    shape = [int(length) for length in reading.constant(op, 1).reshape(-1)]
    if len(shape) != 2 or shape[1] not in (x.channels, -1) or shape[0] not in (0, 1, -1) or shape == [-1, -1]:
        raise reading.refuse(op, f"to shape {shape}; (N, {x.channels}) is needed")
    return _two_axes(reading, op)


def gemm(reading: Reading, op: Op) -> Value:
    """alpha A B + beta C."""
    if op.attributes.get("transA", 0):
        raise reading.refuse(op, "transA")
    weight = reading.constant(op, 1)
    if weight.ndim != 2:
        raise reading.refuse(op, f"a weight of shape {weight.shape}")
    weight = weight if op.attributes.get("transB", 0) else weight.T
    bias = reading.optional(op, 2)
    if bias is not None:
        bias = op.attributes.get("beta", 1.0) * bias
    return linear(reading, op, op.attributes.get("alpha", 1.0) * weight, bias)


def matmul(reading: Reading, op: Op) -> Value:
    """Gemm without bias."""
    weight = reading.constant(op, 1)
    if weight.ndim != 2:
        raise reading.refuse(op, f"a weight of shape {weight.shape}")
    return linear(reading, op, weight.T, None)


def linear(reading: Reading, op: Op, weight: Array, bias: Array | None) -> Value:
    """The one linear layer, weight (classes, C)."""
    x = reading.vector(op)
    if x.weight is not None:
        raise reading.refuse(op, "a second linear layer; one fits")
    if (op.type != "Conv" and x.four_axes) or weight.shape[1] != x.channels:
        raise reading.refuse(
            op, f"a weight of {weight.shape[1]} features behind {x.channels}, pooled and flattened"
        )
    classes = len(weight)
    if bias is not None and bias.shape not in ((), (1,), (classes,), (1, 1), (1, classes)):
        raise reading.refuse(op, f"a bias of shape {bias.shape} for {classes} classes")
    shift = np.zeros(classes) if bias is None else np.broadcast_to(bias.reshape(-1), (classes,))
    return x.linear(np.ascontiguousarray(weight), shift)


def tail(reading: Reading, op: Op) -> Value:
    """Softmax, LogSoftmax or Sigmoid behind the logits: the largest stays the largest, so they go."""
    x = reading.value(op)
    if isinstance(x, Map):
        raise reading.refuse(op, "an activation or gate on a map; hardware has ReLU")
    if x.weight is None or x.tail:
        raise reading.refuse(op, "it does not follow the linear layer")
    axes = 4 if x.four_axes else 2
    if op.type != "Sigmoid" and op.attributes.get("axis", 1 if axes == 2 else None) not in (1, 1 - axes):
        raise reading.refuse(op, "its axis is not that of the classes")
    reading.logits = op.inputs[0]
    return replace(x, tail=op.type)


def _two_axes(reading: Reading, op: Op) -> Value:
    x = reading.value(op)
    if isinstance(x, Map):
        raise reading.refuse(op, "it reshapes a map before the global average pooling")
    if x.tail:
        raise reading.refuse(op, f"it follows {x.tail}")
    return replace(x, four_axes=False)
