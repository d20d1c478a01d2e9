"""What a graph computes from constants alone: folded here, since exporters leave it to the runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.checkpoint.onnx_graph.op import Op

Constant = NDArray[Any]

_FLOATS = {
    1: np.float32,
    10: np.float32,
    11: np.float64,
    16: np.float32,
}  # TensorProto's types that weights have
_WHOLE = {6: np.int32, 7: np.int64}


def fold(op: Op, inputs: list[Constant]) -> Constant | None:
    """The output of a node whose inputs are all constant, None if this operator is not folded.

    Raises ValueError for shapes that do not fit.
    """
    function = _FOLDS.get(op.type)
    if function is None:
        return None
    with np.errstate(all="ignore"):  # what is not finite is refused where it is used
        return np.asarray(function(op, *inputs))


def axes_of(op: Op, inputs: list[Constant]) -> list[int] | None:
    """The axes of Squeeze, Unsqueeze and ReduceMean: an attribute, in newer opsets the second input."""
    if "axes" in op.attributes:
        return [int(axis) for axis in op.attributes["axes"]]
    return [int(axis) for axis in inputs[-1].reshape(-1)] if inputs else None


def _constant(op: Op) -> Constant:
    from onnx import numpy_helper

    if "value" in op.attributes:
        return np.asarray(numpy_helper.to_array(op.attributes["value"]))
    for kind in ("value_float", "value_floats", "value_int", "value_ints"):
        if kind in op.attributes:
            return np.asarray(op.attributes[kind])
    raise ValueError("a Constant without a value that is a number")


def _cast(op: Op, x: Constant) -> Constant:
    return x.astype((_FLOATS | _WHOLE)[op.attributes["to"]])


def _reshape(op: Op, x: Constant, shape: Constant) -> Constant:
    target = [int(length) for length in shape.reshape(-1)]
    if op.attributes.get("allowzero", 0) == 0:
        target = [x.shape[i] if length == 0 else length for i, length in enumerate(target)]
    return np.reshape(x, target)


def _transpose(op: Op, x: Constant) -> Constant:
    return np.transpose(x, op.attributes.get("perm"))


def _unsqueeze(op: Op, x: Constant, *axes: Constant) -> Constant:
    return np.expand_dims(x, tuple(axes_of(op, list(axes)) or ()))


def _squeeze(op: Op, x: Constant, *axes: Constant) -> Constant:
    squeezed = axes_of(op, list(axes))
    return np.squeeze(x, None if squeezed is None else tuple(squeezed))


def _binary(function: Callable[[Constant, Constant], Constant]) -> Callable[..., Constant]:
    def run(op: Op, a: Constant, b: Constant) -> Constant:
        if np.broadcast_shapes(a.shape, b.shape) not in (a.shape, b.shape):
            raise ValueError(f"constants of shapes {a.shape} and {b.shape} meet")  # an outer product: no bias
        return function(a, b)

    return run


_FOLDS: dict[str, Callable[..., Constant]] = {
    "Constant": _constant,
    "Identity": lambda op, x: x,
    "Cast": _cast,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Sqrt": lambda op, x: np.sqrt(x),
    "Neg": lambda op, x: -x,
    "Reciprocal": lambda op, x: 1 / x,
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(lambda a, b: a / b),  # of floats: integers are not divided in a network's weights
}
