"""From the nodes of an ONNX graph to an imported network."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repvgg_hw.checkpoint.decisions import Assumption
from repvgg_hw.checkpoint.imported import Imported, assemble
from repvgg_hw.checkpoint.naming import NamedBlock, NamedLinear, NamedNetwork
from repvgg_hw.checkpoint.onnx_graph import maps, vectors
from repvgg_hw.checkpoint.onnx_graph.constants import fold
from repvgg_hw.checkpoint.onnx_graph.file import load_onnx, opset
from repvgg_hw.checkpoint.onnx_graph.op import Op, read_op
from repvgg_hw.checkpoint.onnx_graph.proof import prove_reading
from repvgg_hw.checkpoint.onnx_graph.reading import Reading
from repvgg_hw.checkpoint.onnx_graph.values import Map, Value, Vector
from repvgg_hw.checkpoint.shapes import BlockShape
from repvgg_hw.errors import InputError, RepVGGHWError
from repvgg_hw.fuse.block import Block
from repvgg_hw.fuse.collapse import collapse
from repvgg_hw.fuse.graph import chain, convolutions, is_identity, stride_of

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

HANDLERS: dict[str, Callable[[Reading, Op], Value]] = {
    "Conv": maps.conv,
    "BatchNormalization": maps.batch_norm,
    "Add": maps.add,
    "Sum": maps.add,
    **dict.fromkeys(("Sub", "Mul", "Div"), maps.elementwise),
    "Relu": maps.relu,
    "Clip": maps.clip,
    "AveragePool": maps.average_pool,
    "GlobalAveragePool": vectors.global_pool,
    "ReduceMean": vectors.reduce_mean,
    **dict.fromkeys(("Identity", "Dropout", "Cast"), vectors.same),
    "Flatten": vectors.flatten,
    "Squeeze": vectors.squeeze,
    "Reshape": vectors.reshape,
    "Gemm": vectors.gemm,
    "MatMul": vectors.matmul,
    **dict.fromkeys(("Softmax", "LogSoftmax", "Sigmoid"), vectors.tail),
}
_ACTIVATIONS = """LeakyRelu PRelu Elu Selu Celu Gelu HardSigmoid HardSwish Mish Softplus Softsign Swish Tanh
    ThresholdedRelu"""
_REASONS = {
    **dict.fromkeys(_ACTIVATIONS.split(), "another activation; hardware has ReLU"),
    **dict.fromkeys(("MaxPool", "GlobalMaxPool"), "max pooling; hardware has none"),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "QLinearConv"), "export the float network"),
    "Pad": "padding apart from its convolution",
    "Concat": "branches are concatenated; hardware adds them",
    "ArgMax": "export the network up to its logits",
}
_SHAPES = {
    "Shape",
    "Gather",
    "Concat",
    "Unsqueeze",
    "Squeeze",
    "Slice",
    "Cast",
}  # the arithmetic of a Reshape
_LONGEST_SHAPE = 64
_FLOAT_INPUTS = (1, 10, 11, 16)  # FLOAT, FLOAT16, DOUBLE, BFLOAT16


def import_onnx(path: Path, *, prove: bool = True, head: str = "linear") -> Imported:
    """Read an .onnx file, and with prove run it in onnx's reference evaluator, too.

    head  "linear": the graph ends in a linear layer; "none": the last ReLU's map is the output, and what the
          graph has behind it is left out

    Raises InputError that names the first node that does not fit, and CheckFailed if the evaluator gives
    other logits than the network that was read.
    """
    model = load_onnx(path)
    try:
        reading = Reading(path)
        ops = _read(reading, model)
        imported = _assemble(reading, model.graph, head)
    except RepVGGHWError:
        raise
    except Exception as error:  # whatever a damaged graph leads the readers to
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: graph {model.graph.name!r} is not understood ({reason})") from error
    return prove_reading(imported, model, ops, reading) if prove else imported


def _read(reading: Reading, model: ModelProto) -> list[Op]:
    """Visit every node that the output depends on; these nodes, in order."""
    from onnx import numpy_helper

    path, graph = reading.path, model.graph
    opset(path, model)
    if len(graph.output) != 1:
        raise InputError(f"{path}: {len(graph.output)} outputs; a network with one is needed, its logits")
    ops = _needed(path, [read_op(node) for node in graph.node], graph.output[0].name)
    wanted = {name for op in ops for name in op.inputs}
    stored = [tensor for tensor in graph.initializer if tensor.name in wanted]
    reading.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in stored}
    if len(reading.constants) != len(stored) or any(n in reading.constants for op in ops for n in op.outputs):
        raise InputError(f"{path}: two tensors of one name")
    _read_input(reading, graph)
    for op in ops:
        _visit(reading, op)
    return ops


def _needed(path: Path, ops: list[Op], output: str) -> list[Op]:
    """The nodes that output depends on: auxiliary heads are not among them."""
    makers: dict[str, Op] = {}
    for op in ops:
        for name in filter(None, op.outputs):
            if name in makers:
                raise InputError(f"{path}: two nodes write {name}")
            makers[name] = op
    needed, todo = set(), [output]
    while todo:
        maker = makers.get(todo.pop())
        if maker is not None and id(maker) not in needed:
            needed.add(id(maker))
            todo += maker.inputs
    return [op for op in ops if id(op) in needed]


def _read_input(reading: Reading, graph: GraphProto) -> None:
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [i for i in graph.input if i.name not in stored]
    if len(inputs) != 1:
        raise InputError(f"{reading.path}: {len(inputs)} inputs; a network with one is needed")
    tensor = inputs[0].type.tensor_type
    lengths = [dim.dim_value for dim in tensor.shape.dim]
    if len(lengths) != 4 or lengths[1] < 1:
        raise InputError(
            f"{reading.path}: input {inputs[0].name} has no fixed number of channels, (N, C, H, W)"
        )
    if tensor.elem_type not in _FLOAT_INPUTS:
        raise InputError(f"{reading.path}: input {inputs[0].name} is not floating point")
    reading.input_size = (lengths[2], lengths[3]) if min(lengths[2:]) > 0 else None
    reading.values[inputs[0].name] = Map(0, chain(), lengths[1], reading.input_size)
    reading.widths.append(lengths[1])


def _visit(reading: Reading, op: Op) -> None:
    """One node: folded if it is constant, else one of the arithmetic of shapes, else read by its handler."""
    if op.domain not in ("", "ai.onnx"):
        raise reading.refuse(op, f"an operator of {op.domain}")
    names = [name for name in op.inputs if name]
    if all(name in reading.constants for name in names):
        folded = fold(op, [reading.constants[name] for name in names])
        if folded is None:
            raise reading.refuse(op, "it does not depend on the input, and is no arithmetic of constants")
        reading.constants[op.outputs[0]] = folded
    elif op.type == "Shape" or (op.type in _SHAPES and any(name in reading.shapes for name in names)):
        reading.shapes[op.outputs[0]] = _shape_length(reading, op, names)
    elif op.type in HANDLERS:
        reading.values[op.outputs[0]] = HANDLERS[op.type](reading, op)
    else:
        known = "only 3x3 Conv, BatchNormalization, Add, Relu, global pool, Gemm fit"
        raise reading.refuse(op, _REASONS.get(op.type, known))


def _shape_length(reading: Reading, op: Op, names: list[str]) -> int:
    """An upper bound for the length of what arithmetic on shapes gives, so that no graph makes it explode."""
    if op.type == "Shape":
        reading.value(op)
        return 4
    lengths = [reading.shapes.get(n, 0) or int(np.size(reading.constants.get(n, 0))) for n in names]
    if any(n not in reading.shapes and n not in reading.constants for n in names):
        raise reading.refuse(op, "a map in the arithmetic of a shape")
    length = math.prod(lengths) if op.type == "Gather" else sum(lengths)
    if length > _LONGEST_SHAPE:
        raise reading.refuse(op, f"a shape of up to {length} numbers")
    return length


def _assemble(reading: Reading, graph: GraphProto, head: str) -> Imported:
    path, output = reading.path, reading.values.get(graph.output[0].name)
    linear, made = None, tuple[Assumption, ...]()
    if head == "none":
        made = (_without_head(reading, output, graph.output[0].name),)
    elif isinstance(output, Vector) and output.weight is not None:
        linear = NamedLinear("linear", output.weight, output.shift)
        if output.tail:
            rule = "the largest logit stays the largest"
            made = (Assumption(f"{output.tail} behind the logits", "left out", rule),)
    else:
        raise InputError(
            f"{path}: the output is no linear layer's behind a chain of convolutions; with --head none the "
            "last ReLU's map is the output"
        )
    blocks, shapes, strides = [], [], []
    for node, c_in in zip(reading.layers, reading.widths, strict=False):  # the last width is the last layer's
        convs = list(convolutions(node))
        groups = math.gcd(*(conv.groups for conv in convs))
        kernel, offset = collapse(node, c_in, groups)
        family = "ONNX conv" if len(convs) == 1 else "ONNX branches"
        blocks.append(Block(family, node, kernel, offset, {}, (), ()))
        shapes.append(BlockShape(c_in, len(kernel), groups, None))
        strides.append(stride_of(node))
    named = NamedNetwork(
        "onnx",
        tuple(NamedBlock(f"layer {i}", None, {}) for i in range(len(blocks))),
        linear,
        (),
    )
    return assemble(str(path), named, shapes, strides, blocks, 1e-5, made)


def _without_head(reading: Reading, output: Value | None, name: str) -> Assumption:
    """End the network at the last ReLU; what is behind it, for people."""
    if isinstance(output, Map) and (output.source != len(reading.layers) or not is_identity(output.node)):
        raise InputError(
            f"{reading.path}: the output {name} is no ReLU's: hardware has one behind each layer"
        )
    if output is None or not reading.layers:
        raise InputError(f"{reading.path}: there is no chain of convolutions and ReLU in front of {name}")
    reading.logits = reading.last_map
    value = "none, the last ReLU's map is the output"
    if isinstance(output, Vector):
        value += "; left out: the pooling" + ("" if output.weight is None else " and the linear layer")
    return Assumption("head", value, "--head none")
