"""The proof of a netlist, and the verdicts, one for each device, in netlists.json beside the design."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from repvgg_hw import schema
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import write_if_changed
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.device import Device
from repvgg_hw.synth import circuit
from repvgg_hw.synth.circuit import Made
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.target import VerilogTarget

FILE = "netlists.json"


class _Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """One netlist's: which it was of, and what its simulation found."""

    made: Made
    passed: bool
    result: SimulationResult


def prove(
    design: Design[Any], device: Device, images: NDArray[np.int8], options: ProofOptions
) -> SimulationResult:
    """Simulate images through the netlist for a device, whole, and compare every layer with golden.

    Raises as circuit.of and VerilogTarget.prove.
    """
    return VerilogTarget().prove(design, images, options, circuit.of(design, device))


def save(directory: Path, device: Device, made: Made, result: SimulationResult) -> None:
    """Keep a verdict, beside those of other devices."""
    verdicts = _read(directory) | {device.name: _Verdict(made, result.passed, result)}
    content = {
        name: {
            "made": msgspec.to_builtins(one.made),
            "passed": one.passed,
            "result": dataclasses.asdict(one.result),
        }
        for name, one in sorted(verdicts.items())
    }
    write_if_changed(directory / FILE, json.dumps(content, indent=2) + "\n")


def load(directory: Path) -> dict[str, SimulationResult]:
    """Verdicts by device: those of netlists that are still there, of the design as it is now.

    Raises InputError where the file is none of ours.
    """
    return {
        name: one.result
        for name, one in _read(directory).items()
        if one.made == circuit.made(directory, devices.get(name))
    }


def _read(directory: Path) -> dict[str, _Verdict]:
    path = directory / FILE
    if not path.exists():
        return {}
    with context(f"remove it and simulate the netlist again: {path}"):
        verdicts = schema.partly(schema.read_json(path), dict[str, _Verdict])
        for name, one in verdicts.items():
            devices.get(name)
            if one.passed != one.result.passed:
                raise InputError(f"{name}: passed is not what its problems say")
    return verdicts
