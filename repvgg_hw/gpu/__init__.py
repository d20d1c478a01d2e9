"""The integer network on a GPU's int8 matrix units, equal to `golden` to the last bit.

    from repvgg_hw import gpu
    scores = gpu.logits(x, network, device="cuda")                 # x (N, C, H, W) int8, as golden.forward
    scores = gpu.logits_of_pixels(pixels, network, device="cuda")  # pixels (N, H, W, C) uint8

Importing this package imports neither torch nor Triton; the first call does. Without a GPU the same kernels
run in Triton's interpreter (environment variable TRITON_INTERPRET=1): exact, but only for small shapes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork

if TYPE_CHECKING:
    from repvgg_hw.gpu.runner import Runner

__all__ = ["input_table", "logits", "logits_of_pixels", "require"]


def require(device: str) -> None:
    """Check that the kernels can run on device; InputError says what is missing.

    "cuda" needs Triton and a CUDA device; "cpu" needs Triton and its interpreter.
    """
    try:
        import triton
    except ImportError as error:
        raise InputError(
            "the int8 GPU backend needs Triton: pip install 'repvgg-hw[gpu]' (Linux only)"
        ) from error
    import torch

    kind, _, index = device.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {device!r}: torch {torch.__version__} finds no CUDA device here")
    if kind == "cuda" and index and not (index.isdecimal() and int(index) < torch.cuda.device_count()):
        raise InputError(f"device {device!r}: this machine has {torch.cuda.device_count()} CUDA devices")
    if kind == "cpu" and not triton.knobs.runtime.interpret:
        raise InputError(
            f"device 'cpu': Triton {triton.__version__} runs on a CPU only in its interpreter; "
            "set TRITON_INTERPRET=1 (small shapes only), or use golden"
        )
    if kind not in ("cuda", "cpu"):
        raise InputError(f"device {device!r} is neither cuda nor cpu")


def input_table(network: IntegerNetwork) -> NDArray[np.int8]:
    """(C, 256): the network's input for every pixel value, by `golden.quantize_input` itself."""
    ramp = np.broadcast_to(
        np.arange(256, dtype=np.uint8)[None, None, :, None], (1, 1, 256, len(network.mean))
    )
    return np.ascontiguousarray(golden.quantize_input(ramp, network)[0, :, 0])


def logits(
    x: NDArray[np.int8], network: IntegerNetwork, device: str = "cuda", batch: int = 128
) -> NDArray[np.int64]:
    """Integer logits (N, classes) of x (N, C, H, W) int8: what `golden.forward` gives.

    batch is the number of images per pass; it never changes a value. Raises InputError where the backend
    cannot run, or where the network's numbers do not fit its 32-bit sums.
    """
    require(device)
    outputs = []
    for part, runner in _batches(x, network, device, batch):
        outputs.append(runner.run(part))
    return _joined(outputs, network)


def logits_of_pixels(
    pixels: NDArray[np.uint8], network: IntegerNetwork, device: str = "cuda", batch: int = 128
) -> NDArray[np.int64]:
    """Integer logits (N, classes) of pixels (N, H, W, C) uint8: quantize_input and `golden.forward`."""
    table = input_table(network)
    channels = np.arange(len(table))
    return logits(np.moveaxis(table[channels, pixels], 3, 1), network, device, batch)


def _batches(
    x: NDArray[np.int8], network: IntegerNetwork, device: str, batch: int
) -> Iterator[tuple[NDArray[np.int8], Runner]]:
    """The parts of x, each with the runner for the network at that part's map size."""
    batch = min(batch, max(len(x), 1))
    for start in range(0, len(x), batch):
        yield x[start : start + batch], _runner(_Ref(network), batch, x.shape[2:], device)


def _joined(outputs: list[NDArray[np.int64]], network: IntegerNetwork) -> NDArray[np.int64]:
    return np.concatenate(outputs) if outputs else np.zeros((0, network.num_classes), np.int64)


class _Ref:
    """A hashable handle: networks hold arrays, so only identity can key a cache."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network

    def __hash__(self) -> int:
        return id(self.network)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ref) and other.network is self.network


@functools.lru_cache(maxsize=4)
def _runner(ref: _Ref, batch: int, size: tuple[int, int], device: str) -> Runner:
    """Packing weights and allocating maps costs more than a pass, so the last few runners are kept."""
    from repvgg_hw.gpu.runner import Runner

    return Runner(ref.network, batch, device, size=size)
