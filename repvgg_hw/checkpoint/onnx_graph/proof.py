"""The proof of reading a graph: onnx's reference evaluator runs the graph itself, node by node, in float64.

It comes from other hands than the reader. What it is given was accepted node by node before, so that no other
operator, function or subgraph of a file ever runs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from repvgg_hw.checkpoint.expect import Expectation, compare_and_warn
from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.onnx_graph.op import Op
from repvgg_hw.checkpoint.onnx_graph.reading import Reading
from repvgg_hw.checkpoint.run import Floats
from repvgg_hw.fuse.proof import LIMIT, proof_size

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

_log = logging.getLogger(__name__)
_MAX_MACS = 4e9  # of the proof: some seconds
_INFERENCE_BY_MODE = 14  # the opset from which BatchNormalization says whether it trains
_FLOATS = (1, 10, 16)  # FLOAT, FLOAT16, BFLOAT16


def prove_reading(imported: Imported, model: ModelProto, ops: list[Op], reading: Reading) -> Imported:
    """imported with the proof in its provenance, as "reference_evaluator".

    Raises CheckFailed if the evaluator's logits are others. Where it cannot run the graph, a warning says so.
    """
    strides = [conv.stride for conv in imported.convs]
    side = proof_size(strides)
    height, width = side, side + 1  # not square: axes that are mixed up show
    if reading.needs_size and reading.input_size is not None:
        height, width = reading.input_size
    macs = imported.architecture.macs(height, width)
    generator = np.random.default_rng(0)
    x = generator.standard_normal((1, imported.architecture.in_channels, height, width))
    try:
        if macs > _MAX_MACS:
            raise ValueError(f"{macs / 1e9:.0f} GMAC are too many for it")
        y = _evaluate(model, ops, reading, x)
    except Exception as error:  # an operator's version that it lacks, a limit of its own, ...
        reason = " ".join(str(error).split())[:160]
        _log.warning("warning: %s: not run by onnx's reference evaluator (%s)", reading.path, reason)
        return imported.recording(reference_evaluator=None)
    advice = "the graph is not read as it is meant; please report it"
    expectation = Expectation(x, y, "onnx's reference evaluator", LIMIT, advice=advice, diagnose=False)
    return imported.recording(reference_evaluator=compare_and_warn(imported, expectation).to_json())


def _evaluate(model: ModelProto, ops: list[Op], reading: Reading, x: Floats) -> Floats:
    """The graph's logits for x, every floating-point tensor and cast made float64."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    wanted = {name for op in ops for name in op.inputs}
    outputs = {name for op in ops for name in op.outputs if name}
    stored = [_as_double(t, t.name) for t in model.graph.initializer if t.name in wanted]
    nodes = []
    for node in model.graph.node:
        if not outputs.intersection(node.output):
            continue
        node = type(node).FromString(node.SerializeToString())
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in _FLOATS:
                attribute.i = TensorProto.DOUBLE
            if attribute.HasField("t"):
                attribute.t.CopyFrom(_as_double(attribute.t, attribute.t.name))
        nodes.append(node)
    name = next(iter(reading.values))  # the input came first
    logits = reading.logits or model.graph.output[0].name
    graph = helper.make_graph(
        nodes,
        "proof",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, x.shape)],
        [helper.make_tensor_value_info(logits, TensorProto.DOUBLE, None)],
        stored,
    )
    version = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    proof = helper.make_model(graph, opset_imports=version)
    proof.ir_version = model.ir_version
    replaced = [] if version[0].version >= _INFERENCE_BY_MODE else [_batch_normalization()]
    with np.errstate(all="ignore"):
        (y,) = ReferenceEvaluator(proof, new_ops=replaced).run([logits], {name: x})
    y = np.asarray(y, dtype=np.float64)
    return y if reading.logits == reading.last_map else y.reshape(len(x), -1)


def _batch_normalization() -> type:
    """BN in inference, which the evaluator takes for training in opsets without `training_mode`."""
    from onnx.reference.op_run import OpRun

    class BatchNormalization(OpRun):  # known by its name
        op_domain = ""

        def _run(self, x: Floats, *constants: Floats, epsilon: float = 1e-5, **_: object) -> tuple[Floats]:
            scale, bias, mean, var = (c.reshape(-1, *(1,) * (x.ndim - 2)) for c in constants)
            return ((x - mean) / np.sqrt(var + epsilon) * scale + bias,)

    return BatchNormalization


def _as_double(tensor: TensorProto, name: str) -> TensorProto:
    """A floating-point tensor in float64, any other as it is."""
    from onnx import numpy_helper

    if tensor.data_type not in _FLOATS:
        return tensor
    return numpy_helper.from_array(np.asarray(numpy_helper.to_array(tensor), dtype=np.float64), name)
