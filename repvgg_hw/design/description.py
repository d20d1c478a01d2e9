"""An emitted folder: what `generate` leaves and `simulate` and `report` find.

design.json   request, plan, provenance          network.npz   the integer network
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.design.network_file import load_network, save_network
from repvgg_hw.errors import InputError
from repvgg_hw.files import write_if_changed
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import AnyConvPlan, Plan
from repvgg_hw.plan.stream.winograd import WinogradPlan

FORMAT = 2  # of design.json
LAST = Path("build") / ".last-design"  # names the folder that `generate` wrote last


@dataclass(frozen=True)
class Design:
    """A generated accelerator on disk."""

    directory: Path
    request: Request
    network: IntegerNetwork
    plan: Plan
    options: dict[str, Any]

    @property
    def target(self) -> str:
        """The target's name."""
        return self.request.target


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan's fields, and beside them what follows from them, for readers that are not Python."""
    derived_layer = (
        "multipliers",
        "macs",
        "cycles",
        "words",
        "repeats",
        "out_lanes",
        "fifo_depth",
        "memory_bits",
    )
    fields = dataclasses.asdict(plan)
    for data, layer in zip((*fields["convs"], fields["linear"]), plan.layers, strict=True):
        data["derived"] = {name: getattr(layer, name) for name in derived_layer if hasattr(layer, name)}
    derived = (
        "frame_interval",
        "multipliers",
        "requant_multipliers",
        "macs",
        "utilization",
        "fps",
        "memory_bits",
    )
    fields["derived"] = {name: getattr(plan, name) for name in derived}
    return fields


def plan_from_json(data: dict[str, Any]) -> Plan:
    """The inverse of `plan_to_json`; derived values are recomputed, never read."""

    def fields(cls: type, values: dict[str, Any]) -> dict[str, Any]:
        return {f.name: values[f.name] for f in dataclasses.fields(cls)}

    def conv(values: dict[str, Any]) -> AnyConvPlan:
        return (
            WinogradPlan(**fields(WinogradPlan, values))
            if "m" in values
            else ConvPlan(**fields(ConvPlan, values))
        )

    return Plan(
        **{
            **fields(Plan, data),
            "in_shape": tuple(data["in_shape"]),
            "dsp": tuple(data["dsp"]),
            "convs": tuple(conv(c) for c in data["convs"]),
            "linear": LinearPlan(**fields(LinearPlan, data["linear"])),
        }
    )


def save(design: Design) -> None:
    """Write design.json and network.npz."""
    save_network(design.network, design.directory / "network.npz")
    content = {
        "format": FORMAT,
        "generator": f"repvgg-hw {__version__}",
        "request": requests.to_json(design.request),
        "options": design.options,
        "plan": plan_to_json(design.plan),
    }
    write_if_changed(design.directory / "design.json", json.dumps(content, indent=2) + "\n")


def load(directory: Path) -> Design:
    """Read a generated folder. Raises InputError naming what is missing or foreign."""
    path = directory / "design.json"
    if not path.is_file():
        raise InputError(f"{directory} holds no design.json: give a folder written by `repvgg-hw generate`")
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise InputError(
                f"{path} has format {content['format']}, this version reads {FORMAT}: generate it again"
            )
        plan = plan_from_json(content["plan"])
        request, options = requests.from_json(content["request"]), content["options"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}): generate it again") from None
    return Design(directory, request, load_network(directory / "network.npz"), plan, options)


def remember(directory: Path) -> None:
    """Make this folder the default of `simulate` and `report`."""
    write_if_changed(LAST, f"{directory}\n")


def last_directory() -> Path:
    """The folder that was generated last from here. Raises InputError where there is none."""
    if not LAST.is_file():
        raise InputError(
            "no design was generated here yet: give its folder, or run `repvgg-hw generate` first"
        )
    return Path(os.fsdecode(LAST.read_bytes().removesuffix(b"\n")))
