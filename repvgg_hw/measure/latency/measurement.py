"""Timing: warm-up, many repeats, median with 10th and 90th percentile, inputs that are not in the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MIN_REPEATS, MAX_REPEATS = 10, 1000
WARMUP_CALLS, WARMUP_SECONDS = 3, 0.2
CPU_CACHE_BYTES = 64 << 20  # more than most last-level caches; torch does not tell a CPU's
MAX_INPUTS = 512


@dataclass(frozen=True)
class Timing:
    """Seconds per call over `repeats` calls."""

    median: float
    p10: float
    p90: float
    repeats: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """The statistics of single calls' times."""
        p10, median, p90 = np.percentile(np.asarray(seconds), (10, 50, 90))
        return cls(float(median), float(p10), float(p90), len(seconds))


def measure(call: Callable[[int], object], device: torch.device, seconds: float) -> Timing:
    """Time call(i), i = 0, 1, ..., for about `seconds`, and say what came out in the middle."""
    return Timing.of(times(call, device, seconds))


def times(
    call: Callable[[int], object], device: torch.device, seconds: float, least: int = MIN_REPEATS
) -> list[float]:
    """Seconds of call(i), i = 0, 1, ..., one by one, for about `seconds` and `least` calls at least.

    On CUDA each call lies between two events, and the host does not wait in between, so a call that is short
    of work shows the time the host needs to launch it, as an application would see it. Elsewhere a host clock
    is read.
    """
    estimate = _warm_up(call, device)
    repeats = int(min(max(seconds / max(estimate, 1e-9), least), MAX_REPEATS))
    return _time_cuda(call, repeats, device) if device.type == "cuda" else _time_host(call, repeats)


def _warm_up(call: Callable[[int], object], device: torch.device) -> float:
    """Run until compilers, allocators and clocks have settled; the time of one call, in seconds."""
    start = time.perf_counter()
    calls = 0
    while calls < WARMUP_CALLS or time.perf_counter() - start < WARMUP_SECONDS:
        one = time.perf_counter()
        call(calls)
        synchronize(device)
        estimate = time.perf_counter() - one
        calls += 1
    return estimate


def _time_cuda(call: Callable[[int], object], repeats: int, device: torch.device) -> list[float]:
    with torch.cuda.device(device):
        events = [[_event() for _ in range(2)] for _ in range(repeats)]
        for index, (begin, end) in enumerate(events):
            begin.record()
            call(index)
            end.record()
        torch.cuda.synchronize(device)
    return [begin.elapsed_time(end) / 1e3 for begin, end in events]


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch gives it no types


def _time_host(call: Callable[[int], object], repeats: int) -> list[float]:
    times = []
    for index in range(repeats):
        begin = time.perf_counter()
        call(index)
        times.append(time.perf_counter() - begin)
    return times


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def cache_bytes(device: torch.device) -> int:
    """Size of the last-level cache."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    return CPU_CACHE_BYTES


def rotating_inputs(
    shape: tuple[int, ...],
    dtype: torch.dtype,
    device: torch.device,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> list[Tensor]:
    """Random inputs whose bytes together are twice the cache, so that each call finds its input in memory.

    int8 inputs cover the whole range; the others are normal, as normalized images are.
    """
    size = int(np.prod(shape)) * torch.empty((), dtype=dtype).element_size()
    count = min(max(2 * cache_bytes(device) // size + 1, 2), MAX_INPUTS)
    generator = torch.Generator(device=device).manual_seed(0)
    inputs = []
    for _ in range(count):
        if dtype == torch.int8:
            x = torch.randint(-128, 128, shape, dtype=dtype, device=device, generator=generator)
        else:
            x = torch.randn(shape, device=device, generator=generator).to(dtype)
        inputs.append(x.contiguous(memory_format=memory_format))
    return inputs
