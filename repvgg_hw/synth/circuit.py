"""A design's netlist as what the whole-network bench simulates: cells by their models, memories as RTL."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec

from repvgg_hw import __version__, schema
from repvgg_hw.design import Design, folder
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, sim_dir, write_atomically, write_if_changed
from repvgg_hw.plan.device import Device
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.synth.netlist import MEMORIES, included, memories, models
from repvgg_hw.synth.synthesise import STEM
from repvgg_hw.synth.tasks import WHOLE, WORK
from repvgg_hw.targets.verilog.simulate import Circuit

RECORD = f"{STEM}.made.json"
MEMORY_RTL = "memories.sv"


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which netlist was made, of which state of the design's folder: two fingerprints."""

    design: str
    netlist: str


def place(directory: Path, device: Device) -> Path:
    """Where `synth` leaves the whole design's netlist for a device."""
    return directory / WORK / device.name / WHOLE


def fingerprint(work: Path) -> str:
    """SHA-256 of a netlist and its memories' parameters, as they are on disk."""
    digest = hashlib.sha256()
    for name in (f"{STEM}.v", f"{STEM}.memories.json"):
        digest.update((work / name).read_bytes())
    return digest.hexdigest()


def record(work: Path, state: str) -> None:
    """Keep that the netlist in this folder was made of a design in this state."""
    made = Made(state, fingerprint(work))
    write_atomically(work / RECORD, (json.dumps(msgspec.to_builtins(made)) + "\n").encode())


def made(directory: Path, device: Device) -> Made | None:
    """The netlist of the design as it is now; None where there is none, or it is no longer what was made."""
    work = place(directory, device)
    try:
        found = schema.partly(schema.read_json(work / RECORD), Made)
        current = found == Made(folder.fingerprint(directory), fingerprint(work))
    except (OSError, InputError):
        return None
    return found if current else None


def required(directory: Path, device: Device) -> Made:
    """As `made`. Raises InputError where there is none."""
    found = made(directory, device)
    if found is None:
        raise InputError(
            f"there is no netlist for {device.name} of this design as it is now: "
            f"run `repvgg-hw synth {directory} --device {device.name}` first"
        )
    return found


def of(design: Design[Plan], device: Device) -> Circuit:
    """Write what the simulation of a netlist needs, into build/netlist/DEVICE; the circuit names it.

    Raises InputError as `required`, and where Yosys is missing.
    """
    required(design.directory, device)
    directory = design.directory.resolve()
    family, netlist = FAMILIES[device.family.name], place(directory, device)
    work = directory / "build" / "netlist" / device.name
    work.mkdir(parents=True, exist_ok=True)
    files = [sim_dir() / "netlist.vlt"]
    for path in models(family):
        files.append(work / f"cells_{path.stem}.sv")
        write_if_changed(files[-1], included(path))
    template = environment(sim_dir()).get_template("netlist_memories.sv.j2")
    of_netlist = memories(netlist / f"{STEM}.memories.json")
    text = template.render(memories=of_netlist, version=__version__)
    write_if_changed(work / MEMORY_RTL, text)
    used = {memory.module for memory in of_netlist}
    files += [directory / "rtl" / f"{name}.sv" for name in MEMORIES if name in used]
    files += [work / MEMORY_RTL, netlist / f"{STEM}.v"]
    own = f"; ours of {', '.join(Path(name).stem for name in family.own)}" if family.own else ""
    note = f"the netlist for {device.name}: memories as RTL, cells by Yosys' models{own}"
    return Circuit(tuple(files), work, {"arguments": ("-Wno-lint",), "optimize": "-O0"}, note)
