"""Synthesise an emitted Verilog design for a device: whole, or layers apart in parallel processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repvgg_hw import processes
from repvgg_hw.design import Design
from repvgg_hw.errors import CheckFailed, InputError, RepVGGHWError
from repvgg_hw.files import check_writable, environment, templates_dir
from repvgg_hw.names import top_module
from repvgg_hw.plan.device import Device
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.resources import dsps
from repvgg_hw.synth import netlist, nextpnr, tools, yosys
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.synth.result import AVAILABLE, Part, Resources, Synthesis
from repvgg_hw.targets.verilog.emit import listed_sources
from repvgg_hw.targets.verilog.netlist import MEMORY_FOLDER, build

WORK = Path("build") / "synth"  # in the design's folder
# Links where a tool runs: it reads the design and the design's tables by these names. No folder's own name
# stands in a script, where spaces, quotes and line breaks would mean something.
DESIGN = "design"
WHOLE = "design"
STEM = "netlist"  # of the files of one netlist, in its folder


class Update(Protocol):
    """update(share done in 0..1, what is going on); None for a share that nobody knows."""

    def __call__(self, share: float | None, what: str = "") -> None: ...


@dataclass(frozen=True)
class Task:
    """One netlist to be made: plain data, for another process.

    top, sources  the module, and what it is made of beside the library; sources are relative to `design`
    """

    name: str
    top: str
    sources: tuple[str, ...]
    design: Path
    work: Path
    device: Device
    planned_dsp: int
    route: bool
    mhz: float
    seeds: tuple[int, ...]
    minutes: float


def tasks(
    design: Design[Plan],
    device: Device,
    names: Sequence[str] | None,
    *,
    route: bool,
    mhz: float = nextpnr.DEFAULT_MHZ,
    seeds: Sequence[int] = (1,),
    minutes: float = nextpnr.DEFAULT_MINUTES,
) -> list[Task]:
    """The netlists to be made: of the whole design where names is None, else of these layers.

    mhz, seeds, minutes  as of nextpnr.route
    Writes what they need below build/synth. Raises InputError for a layer that is none.
    """
    directory = design.directory.resolve()
    listed = listed_sources(directory)
    for name in listed:
        if not (directory / name).is_file():
            raise InputError(f"{directory / name} is missing: generate the design again")
    units = build(design.plan).units
    base = directory / WORK / device.name
    dsp = {layer.name: dsps(layer, device.family.name) for layer in design.plan.layers}

    def task(name: str, top: str, sources: tuple[str, ...], dsp: int) -> Task:
        work = base / name.replace(".", "_")
        check_writable(work)
        work.mkdir(parents=True, exist_ok=True)
        return Task(name, top, sources, directory, work, device, dsp, route, mhz, tuple(seeds), minutes)

    if names is None:
        return [
            task(WHOLE, top_module(design.plan.name), tuple(listed), sum(dsp.values())),
        ]
    of_layer = {
        layer.name: unit for layer in design.plan.layers for unit in units if unit.ident == layer.ident
    }
    found = []
    for name in names:
        if name not in of_layer:
            raise InputError(f"--layer {name!r} is none of this design's: {', '.join(of_layer)}")
        unit = of_layer[name]
        top = f"layer_{unit.ident}"
        made = task(
            name,
            top,
            (*listed[:-1], f"{WORK}/{device.name}/{unit.ident}/{top}.sv"),
            dsp[name],
        )
        text = environment(templates_dir() / "verilog").get_template("layer.sv.j2").render(top=top, unit=unit)
        (made.work / f"{top}.sv").write_text(text)
        found.append(made)
    return found


def synthesise(task: Task, progress: tools.Progress | None = None) -> Part:
    """Make one netlist, count its cells, and route it where the task says so.

    Raises InputError where a tool is missing, CheckFailed where one fails.
    """
    family = FAMILIES[task.device.family.name]
    _link(task.work / MEMORY_FOLDER, task.design / MEMORY_FOLDER)
    _link(task.work / DESIGN, task.design)
    written = [task.work / f"{STEM}{suffix}" for suffix in netlist.SUFFIXES]
    for path in written:  # what an earlier run left is no result of this one
        path.unlink(missing_ok=True)
    script = [
        yosys.reading([f"{DESIGN}/{name}" for name in task.sources], f"{DESIGN}/cells/{family.name}.v"),
        *netlist.of_design(family, task.top, STEM),
    ]
    run = yosys.run(script, task.work, STEM, progress)
    yosys.check_whole(*written)
    counted = Resources(**yosys.counts(family, task.work / f"{STEM}.stat.json"))
    part = Part(task.name, task.planned_dsp, counted, round(run.seconds, 1), round(run.megabytes))
    if not task.route:
        return part
    routed = nextpnr.route(
        task.work, f"{STEM}.json", task.device, mhz=task.mhz, seeds=task.seeds, minutes=task.minutes,
        progress=progress,
    )  # fmt: skip
    seconds = sum(attempt.seconds for attempt in routed.attempts)
    megabytes = max(attempt.megabytes for attempt in routed.attempts)
    return Part(
        part.name, part.planned_dsp, counted, part.seconds, part.megabytes, routed.mhz, routed.path,
        round(seconds, 1), megabytes, routed.attempts,
    )  # fmt: skip


def _link(place: Path, target: Path) -> None:
    """Make place a link to target, whatever it was: in a copied design it leads to the other one's folder."""
    if place.is_symlink() and os.readlink(place) == str(target):
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    place.symlink_to(target)


def synthesise_all(found: Sequence[Task], jobs: int | None, report: Update) -> list[Part]:
    """All tasks, in parallel processes where there are several; in their order.

    Raises as synthesise; what still runs then is ended.
    """
    if len(found) == 1:
        return [synthesise(found[0], lambda what: report(None, what))]
    workers = min(jobs or os.cpu_count() or 1, len(found))
    parts: dict[str, Part] = {}
    with ProcessPoolExecutor(max_workers=workers, initializer=processes.worker) as pool:
        waiting: dict[Future[Part], Task] = {pool.submit(synthesise, task): task for task in found}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=tools.POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    task = waiting.pop(future)
                    try:
                        parts[task.name] = future.result()
                    except RepVGGHWError:
                        raise
                    except Exception as error:
                        raise CheckFailed(f"{task.name}: its process ended badly ({error})") from None
                report(len(parts) / len(found), f"{len(parts)} of {len(found)} netlists")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end_all()  # else leaving the pool waits for the tools that run
            raise
    return [parts[task.name] for task in found]


def synthesis(device: Device, parts: Sequence[Part]) -> Synthesis:
    """The result of a run."""
    part = device.part
    available = {name: int(getattr(part, name)) for name in AVAILABLE}
    used = "Yosys" + (", nextpnr-ecp5" if any(one.mhz is not None for one in parts) else "")
    return Synthesis(device.name, device.family.name, used, available, tuple(parts))
