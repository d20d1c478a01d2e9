"""One node of an ONNX graph, without protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import NodeProto


@dataclass(frozen=True)
class Op:
    """A node: what it computes, the tensors it reads and writes by name, and its attributes."""

    type: str
    name: str
    domain: str
    inputs: tuple[str, ...]  # without the optional ones that are left out at the end
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def label(self) -> str:
        """How a message calls it."""
        return f"{self.name or (self.outputs[0] if self.outputs else '?')} ({self.type})"


def read_op(node: NodeProto) -> Op:
    """A NodeProto as an Op."""
    from onnx import helper

    inputs = list(node.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return Op(node.op_type, node.name, node.domain, tuple(inputs), tuple(node.output), attributes)
