"""Import an ONNX graph: a chain of 3x3 + ReLU, fused or with branches and BN, global pool, one linear layer.

Every tensor is followed as a graph of linear operations over the last ReLU's output; a ReLU ends a layer.
What does not fit is refused by naming the node. What was accepted is proven: onnx's own evaluator runs it.
"""

from repvgg_hw.checkpoint.onnx_graph.graph import import_onnx

__all__ = ["import_onnx"]
