"""Measure every asked combination on one device; what cannot be measured becomes a note, never a number."""

from __future__ import annotations

import functools
import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from repvgg_hw import gpu
from repvgg_hw.errors import InputError
from repvgg_hw.gpu.synthetic import synthetic_network
from repvgg_hw.measure.latency.baselines import build_baseline
from repvgg_hw.measure.latency.environment import clocks, device_name, environment
from repvgg_hw.measure.latency.forms import PRECISIONS, float_mode, float_model
from repvgg_hw.measure.latency.limits import Machine, Work, measure_machine, work_of
from repvgg_hw.measure.latency.measurement import (
    MIN_REPEATS,
    Timing,
    rotating_inputs,
    synchronize,
    times,
)
from repvgg_hw.measure.latency.rows import AcceleratorRow, Row, Survey
from repvgg_hw.measure.latency.runtimes import Call, NotPossible, capture, memory_format, prepare
from repvgg_hw.network import Architecture


@dataclass(frozen=True)
class SurveyRequest:
    """What to measure. Baselines run in the last precision, with the first model's classes and channels."""

    models: tuple[Architecture, ...]
    size: tuple[int, int]  # (H, W)
    batches: tuple[int, ...]
    forms: tuple[str, ...]
    precisions: tuple[str, ...]
    runtimes: tuple[str, ...]
    baselines: tuple[str, ...] = ()
    seconds: float = 1.0  # per row, after warm-up
    rounds: int = 1  # in which all rows are measured in turn, each for its share of the seconds


@dataclass(frozen=True)
class Job:
    """One row to be: how to get the model's call for a batch, in which precision and runtime."""

    model: str
    form: str
    precision: str
    runtime: str
    build: Callable[[], nn.Module] | Architecture


@dataclass
class Surveyor:
    """Runs jobs on one device and keeps their rows and notes.

    progress is told what is being measured. The machine's rates are measured where they are not given. After
    the deadline (of time.monotonic) the remaining jobs become notes.
    """

    device: torch.device
    request: SurveyRequest
    progress: Callable[[str], None] = lambda text: None
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    machine: Machine | None = None
    deadline: float = math.inf
    seconds: dict[tuple[object, ...], list[float]] = field(default_factory=dict)  # of single calls, by row

    def run(self, accelerator: AcceleratorRow | None = None) -> Survey:
        """Measure the machine's rates, then every job."""
        self.progress("matrix rate and memory bandwidth")
        machine = self.machine or measure_machine(self.device, self._precisions())
        self.machine = machine
        if self.device.type != "cuda":
            self._note(f"GPU figures: no CUDA device here; every row is of {device_name(self.device)}")
        with torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext():
            for _round in range(self.request.rounds):
                for job in self._jobs():
                    for batch in self.request.batches:
                        self._measure(job, batch)
        return Survey(
            environment=environment(self.device) | {"rounds": self.request.rounds},
            bandwidth=machine.bandwidth,
            rates=machine.rates,
            size=(self.request.models[0].in_channels, *self.request.size),
            rows=tuple(self.rows),
            accelerator=accelerator,
            notes=tuple(self.notes),
        )

    def _precisions(self) -> tuple[str, ...]:
        extra = ("int8",) if "integer" in self.request.forms else ()
        return (*self.request.precisions, *extra)

    def _jobs(self) -> Iterator[Job]:
        request = self.request
        settings = [(p, r) for p in request.precisions for r in request.runtimes]
        for architecture in request.models:
            for form in request.forms:
                if form == "integer":
                    for runtime in integer_runtimes(request.runtimes):
                        yield Job(architecture.name, form, "int8", runtime, architecture)
                    continue
                build = functools.partial(float_model, architecture, form)
                for precision, runtime in settings:
                    yield Job(architecture.name, form, precision, runtime, build)
        for name in request.baselines:
            build = functools.partial(build_baseline, name, request.models[0].num_classes)
            for precision, runtime in settings[-len(request.runtimes) :]:
                yield Job(name, "baseline", precision, runtime, build)

    def _measure(self, job: Job, batch: int) -> None:
        what = f"{job.model} {job.form} {job.precision} {job.runtime}"
        if time.monotonic() > self.deadline:
            self._note(f"{what} batch {batch}: the time budget was spent")
            return
        self.progress(f"{what} batch {batch}")
        self._clean()
        try:
            if isinstance(job.build, Architecture):
                self._keep(self._integer(job, job.build, batch))
            else:
                self._keep(self._float(job, job.build, batch))
        except (NotPossible, InputError) as reason:
            self._note(f"{what}: {reason}")
        except torch.cuda.OutOfMemoryError:
            self._note(f"{what} batch {batch}: does not fit the device's memory")
        except RuntimeError as error:  # the compiler or a library gave up on this row; the others still count
            self._note(f"{what} batch {batch}: failed: {str(error).strip().partition(chr(10))[0]}")
        finally:
            self._clean()

    def _keep(self, row: Row) -> None:
        """In place of the row that earlier rounds have made: its times are in this one, too."""
        self.rows = [other for other in self.rows if _place(other) != _place(row)] + [row]

    def _float(self, job: Job, build: Callable[[], nn.Module], batch: int) -> Row:
        precision = PRECISIONS[job.precision]
        if precision.tf32 and self.device.type != "cuda":
            raise NotPossible("TF32 is a mode of CUDA devices")
        model = build()
        channels = self.request.models[0].in_channels
        work = work_of(model, (channels, *self.request.size))
        model = model.to(device=self.device, dtype=precision.dtype)
        shape = (batch, channels, *self.request.size)
        inputs = rotating_inputs(shape, precision.dtype, self.device, memory_format(job.runtime))
        self._reset_peak()
        with float_mode(precision):
            call = prepare(model, inputs, job.runtime)
            return self._row(job, batch, work, call, inputs)

    def _integer(self, job: Job, architecture: Architecture, batch: int) -> Row:
        if self.device.type != "cuda":
            raise NotPossible(
                "the int8 kernels are timed on CUDA; here Triton's interpreter only checks their values"
            )
        gpu.require("cuda")
        from repvgg_hw.gpu.runner import Runner

        network = synthetic_network(architecture, self.request.size)
        work = work_of(float_model(architecture, "fused"), network.in_shape)
        runner = Runner(network, batch, str(self.device), tune=True)
        inputs = rotating_inputs((batch, *network.in_shape), torch.int8, self.device, torch.channels_last)
        self._reset_peak()
        launch: Callable[[], object] = (
            capture(runner.launch).replay if job.runtime == "graph" else runner.launch
        )
        target = runner.input.interior()[..., : architecture.in_channels]

        def call(i: int) -> None:
            target.copy_(inputs[i % len(inputs)].permute(0, 2, 3, 1))
            launch()

        return self._row(job, batch, work, call, inputs)

    def _row(self, job: Job, batch: int, work: Work, call: Call, inputs: Sequence[Tensor]) -> Row:
        precision = PRECISIONS[job.precision]
        key: tuple[object, ...] = (job.model, job.form, job.precision, job.runtime, batch)
        rounds = self.request.rounds
        least = -(-MIN_REPEATS // rounds)
        own = self.seconds.setdefault(key, [])
        own += times(call, self.device, self.request.seconds / rounds, least)
        timing = Timing.of(own)
        assert self.machine is not None  # run has measured it
        operations, traffic = self.machine.limits(work, batch, precision)
        return Row(
            model=job.model,
            form=job.form,
            precision=job.precision,
            runtime=job.runtime,
            batch=batch,
            timing=timing,
            macs=work.macs,
            bytes=work.bytes(batch, precision.dtype.itemsize),
            operations_limit=operations,
            bytes_limit=traffic,
            peak_memory=self._peak_memory(inputs),
            clocks=clocks(self.device),
        )

    def _peak_memory(self, inputs: Sequence[Tensor]) -> int | None:
        """Peak since _reset_peak, counting one of the rotated inputs."""
        if self.device.type != "cuda":
            return None
        others = sum(x.numel() * x.element_size() for x in inputs[1:])
        return torch.cuda.max_memory_allocated(self.device) - others

    def _clean(self) -> None:
        """Leave nothing of the last row in memory."""
        gc.collect()
        if self.device.type == "cuda":
            synchronize(self.device)
            torch.cuda.empty_cache()

    def _reset_peak(self) -> None:
        """Count the peak from here: the model and its inputs are in memory, making them has passed."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _place(row: Row) -> tuple[object, ...]:
    """What a row is of."""
    return row.model, row.form, row.precision, row.runtime, row.batch


def integer_runtimes(runtimes: Sequence[str]) -> tuple[str, ...]:
    """The integer form has one layout and is compiled already: only single launches and graphs differ."""
    names = []
    if any("graph" not in runtime for runtime in runtimes):
        names.append("eager")
    if any("graph" in runtime for runtime in runtimes):
        names.append("graph")
    return tuple(names)
