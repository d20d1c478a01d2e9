"""Operators on maps, in front of the global average pooling: each returns the value that it computes."""

from __future__ import annotations

import numpy as np

from repvgg_hw.checkpoint.onnx_graph.op import Op
from repvgg_hw.checkpoint.onnx_graph.reading import Reading
from repvgg_hw.checkpoint.onnx_graph.values import Map, Value, Vector, per_channel
from repvgg_hw.checkpoint.onnx_graph.vectors import global_pool, linear
from repvgg_hw.fuse.graph import Array, Conv, Sum, convolutions, is_identity
from repvgg_hw.network import out_size

_NO_LIMIT = 3e38  # the largest float32: as an upper bound of Clip it bounds nothing


def conv(reading: Reading, op: Op) -> Value:
    """3x3, 3x1, 1x3 or 1x1 with symmetric padding; behind the pooling, a 1x1 is the linear layer."""
    weight = reading.constant(op, 1)
    if weight.ndim != 4:
        raise reading.refuse(op, f"a weight of shape {weight.shape}; two dimensions of space are needed")
    bias, groups = reading.optional(op, 2), int(op.attributes.get("group", 1))
    if bias is not None and bias.shape != weight.shape[:1]:
        raise reading.refuse(op, f"a bias of shape {bias.shape} for {len(weight)} outputs")
    if isinstance(reading.value(op), Vector):
        return _linear_conv(reading, op, weight, bias, groups)
    x, stride = reading.map(op), _stride(reading, op)
    kh, kw = weight.shape[2:]
    if any(d != 1 for d in op.attributes.get("dilations", [1, 1])):
        raise reading.refuse(op, f"dilations {list(op.attributes['dilations'])}")
    pads = _pads(reading, op, (kh, kw), stride)
    if not {kh, kw} <= {1, 3} or pads != [kh // 2, kw // 2] * 2:
        raise reading.refuse(op, f"a {kh}x{kw} kernel with pads {pads}; same padding on all sides is needed")
    if weight.shape[1] * groups != x.channels or len(weight) % groups:
        raise reading.refuse(
            op, f"a weight of shape {weight.shape} in {groups} groups over {x.channels} channels"
        )
    node = Conv(weight, bias, stride, (kh // 2, kw // 2), groups)
    size = None if x.size is None else (out_size(x.size[0], stride), out_size(x.size[1], stride))
    return x.then(node, len(weight), size)


def batch_norm(reading: Reading, op: Op) -> Value:
    """gamma (x - mean) / sqrt(var + epsilon) + beta, on a map or a vector."""
    if op.attributes.get("training_mode", 0) or len([name for name in op.outputs if name]) > 1:
        raise reading.refuse(op, "it was exported in training mode")
    x = reading.value(op)
    gamma, beta, mean, var = (reading.constant(op, index) for index in range(1, 5))
    if any(a.shape != (x.channels,) for a in (gamma, beta, mean, var)):
        raise reading.refuse(op, f"{len(gamma)} channels behind {x.channels}")
    scale = gamma / np.sqrt(var + op.attributes.get("epsilon", 1e-5))
    return _affine(reading, op, x, scale, beta - scale * mean)


def add(reading: Reading, op: Op) -> Value:
    """Branches added up, or a bias as a node of its own."""
    if any(name in reading.constants for name in op.inputs):
        return elementwise(reading, op)
    branches = [reading.map(op, index) for index in range(len(op.inputs))]
    first = branches[0]
    for branch in branches[1:]:
        if branch.source != first.source:
            raise reading.refuse(op, "its inputs do not start at the same layer")
        if branch.channels != first.channels:
            raise reading.refuse(op, f"{first.channels} and {branch.channels} channels are added")
    return Map(first.source, Sum(tuple(b.node for b in branches)), first.channels, first.size)


def elementwise(reading: Reading, op: Op) -> Value:
    """Add, Sub, Mul or Div with a constant per channel."""
    known = [index for index, name in enumerate(op.inputs) if name in reading.constants]
    if len(op.inputs) != 2 or len(known) != 1:
        raise reading.refuse(
            op, "only one operand per channel that is constant fits; a gate by another map does not"
        )
    index = known[0]
    x = reading.value(op, 1 - index)
    axes = 2 if isinstance(x, Vector) and not x.four_axes else 4
    constant = reading.constant(op, index)
    c = per_channel(constant, x.channels, axes)
    if c is None:
        shape = (1, "C", 1, 1)[:axes]
        raise reading.refuse(
            op, f"a constant of shape {constant.shape} does not run along channels as {shape}"
        )
    one, zero = np.ones(x.channels), np.zeros(x.channels)
    match op.type, index:
        case "Add", _:
            return _affine(reading, op, x, one, c)
        case "Sub", 1:
            return _affine(reading, op, x, one, -c)
        case "Sub", 0:
            return _affine(reading, op, x, -one, c)
        case "Mul", _:
            return _affine(reading, op, x, c, zero)
        case "Div", 1 if c.all():
            return _affine(reading, op, x, one / c, zero)
    raise reading.refuse(op, "a division by the map, or by zero")


def relu(reading: Reading, op: Op) -> Value:
    """The end of a layer. Behind another ReLU it changes nothing."""
    x = reading.value(op)
    if isinstance(x, Vector):
        raise reading.refuse(op, "only one linear layer fits behind the global average pooling")
    if x.source != len(reading.layers):
        raise reading.refuse(op, "layers do not form one chain")
    if is_identity(x.node) and x.source:
        return x
    if next(convolutions(x.node), None) is None:
        raise reading.refuse(op, "no convolution before it")
    return reading.end_layer(op, x)


def clip(reading: Reading, op: Op) -> Value:
    """ReLU, where only 0 bounds it; ReLU6 and others are refused."""
    low, high = _bound(reading, op, 1, "min"), _bound(reading, op, 2, "max")
    if low != 0:
        raise reading.refuse(op, "its lower bound is not 0, as ReLU's is")
    if high is not None and not high >= _NO_LIMIT:
        raise reading.refuse(op, f"an upper bound of {high:g}, as of ReLU{high:g}; hardware has ReLU")
    return relu(reading, op)


def average_pool(reading: Reading, op: Op) -> Value:
    """A 3x3 average that counts its padding is a branch; one over the whole map is the global pooling."""
    x, kernel = reading.map(op), tuple(op.attributes.get("kernel_shape", ()))
    plain = op.attributes.get("ceil_mode", 0) == 0 and set(op.attributes.get("dilations", [1])) == {1}
    pads = list(op.attributes.get("pads", [0] * 4))
    if plain and x.size is not None and kernel == x.size and not any(pads):
        reading.needs_size = True
        return global_pool(reading, op)
    if not plain or kernel != (3, 3) or pads != [1] * 4 or not op.attributes.get("count_include_pad", 0):
        raise reading.refuse(
            op,
            f"average pooling of {kernel} with pads {pads}; it must be global, or 3x3 and count its padding",
        )
    stride = _stride(reading, op)
    mean = np.full((x.channels, 1, 3, 3), 1 / 9)
    size = None if x.size is None else (out_size(x.size[0], stride), out_size(x.size[1], stride))
    return x.then(Conv(mean, None, stride, (1, 1), x.channels), size=size)


def _bound(reading: Reading, op: Op, index: int, attribute: str) -> float | None:
    """A bound of Clip: an attribute, in newer opsets an input, which may be infinite; None without one."""
    if attribute in op.attributes:
        return float(op.attributes[attribute])
    if index >= len(op.inputs) or not op.inputs[index]:
        return None
    if op.inputs[index] not in reading.constants:
        raise reading.refuse(op, f"its bound {op.inputs[index]} is not a constant")
    return float(reading.constants[op.inputs[index]].reshape(()))


def _affine(reading: Reading, op: Op, x: Value, scale: Array, shift: Array) -> Value:
    if not np.isfinite(scale).all() or not np.isfinite(shift).all():
        raise reading.refuse(op, "its scale or shift is not finite")
    if isinstance(x, Vector) and x.tail:
        raise reading.refuse(op, f"it follows {x.tail}")
    if isinstance(x, Map) and x.source == 0 and shift.any() and next(convolutions(x.node), None) is None:
        raise reading.refuse(
            op,
            "a shift of the network's input, whose zero padding is then no zero: export the network without "
            "it and give --mean and --std",
        )
    return x.affine(scale, shift)


def _linear_conv(reading: Reading, op: Op, weight: Array, bias: Array | None, groups: int) -> Value:
    x = reading.vector(op)
    if not x.four_axes or groups != 1 or weight.shape[2:] != (1, 1) or any(op.attributes.get("pads", [])):
        raise reading.refuse(
            op, "behind the global average pooling only a 1x1 in one group is a linear layer"
        )
    return linear(reading, op, weight[:, :, 0, 0], bias)


def _stride(reading: Reading, op: Op) -> int:
    strides = list(op.attributes.get("strides", [1, 1]))
    if len(strides) != 2 or strides[0] != strides[1] or strides[0] not in (1, 2):
        raise reading.refuse(op, f"strides {strides}")
    return int(strides[0])


def _pads(reading: Reading, op: Op, kernel: tuple[int, int], stride: int) -> list[int]:
    """Pads as [top, left, bottom, right]; auto_pad where it means the same for every size of map."""
    automatic = op.attributes.get("auto_pad", b"NOTSET").decode() or "NOTSET"
    if automatic == "NOTSET":
        return list(op.attributes.get("pads", [0] * 4))
    if automatic == "VALID":
        return [0] * 4
    if stride == 1 or kernel == (1, 1):
        return [kernel[0] // 2, kernel[1] // 2] * 2
    raise reading.refuse(op, f"auto_pad {automatic} with stride {stride} pads even maps on one side only")
