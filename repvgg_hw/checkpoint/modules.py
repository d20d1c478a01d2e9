"""Import a live torch module: strides and eps are read from it, and the proof runs the module itself."""

from __future__ import annotations

import copy

import torch
from torch import nn

from repvgg_hw.checkpoint.files import Checkpoint, strip_prefixes
from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.importer import import_state
from repvgg_hw.checkpoint.naming import read_names
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.fuse.proof import LIMIT, fused_conv, proof_size


def from_torch(module: nn.Module, *, size: tuple[int, int] | None = None) -> Imported:
    """Import a trained network from a torch module, which stays as it is.

    Any network whose blocks fuse into 3x3 convolutions, with ReLU after each, global average pooling and one
    linear layer. Strides and eps are read from the module's own layers. On top of the usual proof, the module
    itself runs in float64 and eval mode on random input of size (H, W) and its logits are compared with the
    fused network's: this sees what key names cannot, such as another activation or pooling.
    Raises InputError for a network that cannot be read, CheckFailed above 1e-6 relative.
    """
    state = {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}
    checkpoint = Checkpoint(strip_prefixes(state), source=type(module).__name__)
    imported = import_state(checkpoint, eps=_eps(module), strides=_strides(module, checkpoint))
    if imported.architecture.se is None:
        _compare(module, imported, size)
    return imported


def _eps(module: nn.Module) -> float | None:
    """The one eps of every batch normalization."""
    found = {m.eps for m in module.modules() if isinstance(m, nn.BatchNorm2d)}
    if len(found) > 1:
        raise InputError(f"batch normalizations with different eps {sorted(found)} in one network")
    return next(iter(found), None)


def _strides(module: nn.Module, checkpoint: Checkpoint) -> list[int]:
    """Per block the largest stride of its layers: the inner ones of a branch have 1."""
    stripped = next(iter(checkpoint.state))
    outside = next(key for key in module.state_dict() if key.endswith(stripped)).removesuffix(stripped)
    strides = []
    for block in read_names(checkpoint.state).blocks:
        prefix = f"{outside}{block.prefix}."
        inside = [m for name, m in module.named_modules() if f"{name}.".startswith(prefix)]
        strides.append(max((_stride(m) for m in inside), default=1))
    return strides


def _stride(module: nn.Module) -> int:
    """A layer's stride, 1 for layers without one."""
    stride = getattr(module, "stride", 1)
    height, width = stride if isinstance(stride, tuple) else (stride, stride)
    if height != width:
        raise InputError(f"a {type(module).__name__} has stride {stride}; height and width must agree")
    return int(height)


@torch.no_grad()
def _compare(module: nn.Module, imported: Imported, size: tuple[int, int] | None) -> None:
    network = imported.fused
    side = proof_size([conv.stride for conv in network.convs])
    height, width = size or (side, side)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, network.convs[0].shape.c_in, height, width, generator=generator, dtype=torch.float64)
    try:
        expected = copy.deepcopy(module).cpu().double().eval()(x)
    except Exception as error:
        raise InputError(f"{type(module).__name__} does not run on {tuple(x.shape)} ({error})") from error
    for conv in network.convs:
        x = torch.relu(fused_conv(conv, x))
    weight, bias = torch.from_numpy(network.linear_weight), torch.from_numpy(network.linear_bias)
    logits = nn.functional.linear(x.mean((2, 3)), weight, bias)
    if not isinstance(expected, torch.Tensor) or expected.shape != logits.shape:
        raise CheckFailed(f"{type(module).__name__} does not return logits of shape {tuple(logits.shape)}")
    difference = float((expected - logits).abs().max() / expected.abs().max().clamp_min(1e-300))
    if not difference <= LIMIT:
        raise CheckFailed(
            f"{type(module).__name__} and its fused chain of 3x3 + ReLU, pool, linear differ by "
            f"{difference:.2e} relative (limit {LIMIT:.0e}): another activation, pooling or order of layers?"
        )
