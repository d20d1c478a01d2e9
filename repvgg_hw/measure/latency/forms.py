"""The forms and precisions in which a network is timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from repvgg_hw.model.repvgg import build_model
from repvgg_hw.network import Architecture

FORMS = ("training", "fused", "integer")


@dataclass(frozen=True)
class Precision:
    """Arithmetic of a float form."""

    name: str
    dtype: torch.dtype
    tf32: bool = False


PRECISIONS = {
    p.name: p
    for p in (
        Precision("fp32", torch.float32),
        Precision("tf32", torch.float32, tf32=True),
        Precision("fp16", torch.float16),
        Precision("bf16", torch.bfloat16),
        Precision("int8", torch.int8),
    )
}


@contextmanager
def float_mode(precision: Precision) -> Iterator[None]:
    """Inference with TF32 exactly where it is asked for: cuDNN would use it for fp32 by default."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    benchmark = torch.backends.cudnn.benchmark
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision.tf32
    torch.backends.cudnn.benchmark = True  # let cuDNN choose its fastest algorithm
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
        torch.backends.cudnn.benchmark = benchmark


class GlobalMean(nn.Module):
    """Mean over H and W: (N, C, H, W) -> (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def float_model(architecture: Architecture, form: str) -> nn.Module:
    """RepVGG with random weights in training (multi-branch) or fused form, in eval mode, float32.

    The blocks stand in one Sequential: at batch 1 the host's time per call is what eager rows measure, and it
    should be that of launching layers, not of finding them.
    """
    torch.manual_seed(0)
    model = build_model(architecture, deploy=form == "fused")
    head = [] if model.linear is None else [GlobalMean(), model.linear]
    return nn.Sequential(*model.blocks().values(), *head).eval()
