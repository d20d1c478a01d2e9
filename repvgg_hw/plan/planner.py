"""What plans a network, one planner per architecture of the hardware, and what every plan says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.output import Output
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.resources import Resources
from repvgg_hw.progress import Progress, silent


class LayerPlan(Protocol):
    """One layer of any plan; see ConvPlan for the terms."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def pi(self) -> int: ...
    @property
    def po(self) -> int: ...
    @property
    def multipliers(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def cycles(self) -> int: ...
    @property
    def memory_bits(self) -> int: ...
    @property
    def transform_adders(self) -> int: ...
    @property
    def data_registers(self) -> int: ...


class NetworkPlan(Protocol):
    """The accelerator of any architecture, as commands and reports show it; see `stream.plan.Plan`."""

    @property
    def name(self) -> str: ...
    @property
    def in_shape(self) -> tuple[int, int, int]: ...
    @property
    def output(self) -> Output: ...
    @property
    def layers(self) -> Sequence[LayerPlan]: ...
    @property
    def clock_mhz(self) -> float | None: ...
    @property
    def dsp(self) -> tuple[int, int]: ...
    @property
    def frame_interval(self) -> int: ...
    @property
    def latency_estimate(self) -> int:
        """Cycles from a frame's first value to its last output, roughly."""

    @property
    def fps(self) -> float | None: ...
    @property
    def multipliers(self) -> int: ...
    @property
    def requant_multipliers(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def utilization(self) -> float: ...
    @property
    def memory_bits(self) -> int: ...

    def alternatives(self, name: str) -> dict[str, int]:
        """Other ways to build this layer within the frame interval: algorithm -> multipliers."""

    def resources(self, family: str) -> Resources:
        """What it takes of a device of this family (`plan.parts.FAMILIES`), estimated."""

    def resources_by_part(self, family: str) -> dict[str, Resources]:
        """The same by its layers, or what else it is built of: they add up to `resources`."""

    @property
    def estimate(self) -> str:
        """What to call these resources: estimated, and of what where it is not the library as it stands."""

    def to_json(self) -> dict[str, Any]:
        """What design.json records, and the planner restores."""


class Planner(Protocol):
    """One architecture. Where one hardware runs many networks, it is a `Reusing` one, too."""

    @property
    def name(self) -> str:
        """What `--architecture` and design.json call it."""

    def plan(self, network: IntegerNetwork, request: Request, progress: Progress = silent) -> NetworkPlan:
        """Tells of progress where it takes seconds. Raises InputError where nothing satisfies the request."""

    def faster(self, network: IntegerNetwork, request: Request, cycles: int) -> tuple[int, int] | None:
        """(multipliers, cycles) of the cheapest plan with the next shorter frame, whatever the budget.

        None where there is none, or where this architecture's search does not say.
        """

    def restore(self, content: Any, network: IntegerNetwork, request: Request) -> NetworkPlan:
        """The plan whose `to_json` is content: its choices are read, all else follows from the rest.

        Raises InputError that names the field where content says otherwise; content may be any JSON.
        """


@runtime_checkable
class Reusing(Protocol):
    """An architecture whose hardware runs other networks, too."""

    def plan_for(
        self,
        network: IntegerNetwork,
        request: Request,
        others: Sequence[IntegerNetwork],
        progress: Progress = silent,
    ) -> NetworkPlan:
        """As `Planner.plan`, of hardware that runs the others as well."""

    def reuse(self, plan: Any, network: IntegerNetwork) -> NetworkPlan:
        """The plan of this network on that plan's hardware.

        Raises InputError, naming the limit, the layer and by how much, where the network exceeds it.
        """
