"""The two physical limits of a network on a chip: operations at its rate, bytes at its memory's bandwidth.

After Williams et al., "Roofline: an insightful visual performance model", CACM 52 (2009). Both rates are
measured on the machine, once: the faster of a large matrix product and a large 3x3 convolution (libraries
differ by processor in which they do well), and a large copy.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from repvgg_hw.measure.latency.forms import PRECISIONS, Precision, float_mode
from repvgg_hw.measure.latency.measurement import measure

SIZES = {"cuda": (8192, 1 << 30), "cpu": (1024, 1 << 27)}  # matrix side, bytes copied
CONVOLUTION = {"cuda": (64, 256, 56), "cpu": (1, 256, 28)}  # images, channels in and out, height and width
SECONDS = 0.3


@dataclass(frozen=True)
class Work:
    """What one image costs in convolutions and linear layers; everything else can be fused into them."""

    macs: int  # per image
    weights: int  # elements, read once per batch
    maps: int  # elements read and written per image: each layer's input and output once

    def operations(self, batch: int) -> int:
        """Multiplications and additions."""
        return 2 * self.macs * batch

    def bytes(self, batch: int, element: int) -> int:
        """Least traffic with `element` bytes per number, layer by layer."""
        return (self.weights + self.maps * batch) * element


def work_of(model: nn.Module, size: tuple[int, int, int]) -> Work:
    """Count by a forward pass without data, on torch's meta device. size is (C, H, W)."""
    counts = [0, 0, 0]

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d | nn.Linear)
        weight = module.weight
        counts[0] += output.numel() * weight[0].numel()
        counts[1] += weight.numel()
        counts[2] += inputs[0].numel() + output.numel()

    ghost = copy.deepcopy(model).to("meta")
    for module in ghost.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.inference_mode():
        ghost(torch.empty((1, *size), device="meta"))
    return Work(*counts)


@dataclass(frozen=True)
class Machine:
    """Measured rates of the device."""

    bandwidth: float  # bytes read and written per second
    rates: dict[str, float] = field(default_factory=dict)  # operations per second by precision

    def limits(self, work: Work, batch: int, precision: Precision) -> tuple[float | None, float]:
        """Least seconds for a batch's operations and for its bytes; None where no rate was measured."""
        rate = self.rates.get(precision.name)
        operations = work.operations(batch) / rate if rate else None
        return operations, work.bytes(batch, precision.dtype.itemsize) / self.bandwidth


def measure_machine(device: torch.device, precisions: Iterable[str]) -> Machine:
    """Measure bandwidth, and the rate of every precision that the device has."""
    side, size = SIZES[device.type]
    bandwidth = _bandwidth(size, device)
    rates = {}
    for name in precisions:
        precision = PRECISIONS[name]
        product = _product(precision, side, device)
        if product is None:
            continue
        with float_mode(precision):
            rates[name] = 2 * side**3 / measure(product, device, SECONDS).median
            if precision.dtype != torch.int8:
                rates[name] = max(rates[name], _convolution_rate(precision, device))
    return Machine(bandwidth, rates)


def _bandwidth(size: int, device: torch.device) -> float:
    """Bytes read and written per second by a copy of `size` bytes."""
    source = torch.randint(0, 255, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / measure(lambda _: target.copy_(source), device, SECONDS).median


def _convolution_rate(precision: Precision, device: torch.device) -> float:
    """Operations per second of a 3x3 convolution in this precision on random data."""
    images, channels, side = CONVOLUTION[device.type]
    x = torch.randn((images, channels, side, side), device=device)
    weight = torch.randn((channels, channels, 3, 3), device=device)
    x, weight = (
        part.to(precision.dtype).contiguous(memory_format=torch.channels_last) for part in (x, weight)
    )
    seconds = measure(lambda _: nn.functional.conv2d(x, weight, padding=1), device, SECONDS).median
    return 2 * 9 * channels**2 * side**2 * images / seconds


def _product(precision: Precision, side: int, device: torch.device) -> Callable[[int], object] | None:
    """A matrix product in this precision on random data, or None where the device has none worth timing."""
    if precision.dtype == torch.int8:
        if device.type != "cuda":
            return None
        a, b = (torch.randint(-127, 128, (side, side), dtype=torch.int8, device=device) for _ in range(2))
        return lambda _: torch._int_mm(a, b.t())
    if precision.tf32 and device.type != "cuda":
        return None
    x, y = (torch.randn((side, side), device=device).to(precision.dtype) for _ in range(2))
    if device.type == "cpu" and precision.dtype != torch.float32:
        begin = time.perf_counter()
        x[: side // 16] @ y
        if 16 * (time.perf_counter() - begin) > SECONDS:  # emulated: a hundred times slower than float32
            return None
    return lambda _: x @ y
