"""What one point comes to; planned wherever the executor has a free place."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import device as devices
from repvgg_hw.plan import registry
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.plan.request import Request

DEFAULT_FAMILY = "xcup"  # whose multiplier (27 x 18) a plan has where no device is named


@dataclass(frozen=True)
class Figures:
    """What a plan gives and takes.

    frame_interval   cycles between frames; as simulation proves it
    latency_cycles   from a frame's first value to its last output, estimated
    clock_mhz        None where nothing supports a clock on the device
    multipliers      of the arrays
    memory_bits      on chip: weights, line buffers, queues; of an engine its data memory
    family           of which dsp, bram (blocks of 18 kbit) and lut are estimated
    """

    frame_interval: int
    latency_cycles: int
    clock_mhz: float | None
    multipliers: int
    memory_bits: int
    family: str
    dsp: int
    bram: int
    lut: int

    @property
    def fps(self) -> float | None:
        """Frames per second; None without a clock."""
        return None if self.clock_mhz is None else self.clock_mhz * 1e6 / self.frame_interval

    @property
    def latency_us(self) -> float | None:
        """Microseconds; None without a clock."""
        return None if self.clock_mhz is None else self.latency_cycles / self.clock_mhz


@dataclass(frozen=True)
class Outcome:
    """A point's figures, or why it has none: `refusal`, what the planner says."""

    figures: Figures | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Top1:
    """How many of `total` labelled images the integer network classifies right."""

    correct: int
    total: int

    @property
    def percent(self) -> float:
        return 100.0 * self.correct / self.total


@dataclass(frozen=True)
class Task:
    """A point that is to be planned; it holds all that a process elsewhere needs."""

    key: str
    network: IntegerNetwork
    request: Request


def plan_point(task: Task) -> tuple[str, Outcome]:
    """The task's key and what comes of it. What does not fit is an outcome, not an error."""
    try:
        plan = registry.get(task.request.architecture).plan(task.network, task.request)
    except InputError as error:
        return task.key, Outcome(refusal=str(error))
    return task.key, Outcome(figures(plan, task.request))


def figures(plan: NetworkPlan, request: Request) -> Figures:
    """A plan's figures."""
    device = request.device
    family = DEFAULT_FAMILY if device is None else devices.get(device.name).family.name
    taken = plan.resources(family)
    return Figures(
        frame_interval=plan.frame_interval,
        latency_cycles=plan.latency_estimate,
        clock_mhz=plan.clock_mhz,
        multipliers=plan.multipliers,
        memory_bits=plan.memory_bits,
        family=family,
        dsp=taken.dsp,
        bram=taken.bram,
        lut=taken.lut,
    )
