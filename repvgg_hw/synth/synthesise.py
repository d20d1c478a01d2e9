"""Synthesise an emitted Verilog design for a device: whole, or its parts alone in parallel processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from repvgg_hw import processes
from repvgg_hw.errors import CheckFailed, RepVGGHWError
from repvgg_hw.plan.device import Device
from repvgg_hw.synth import border, netlist, nextpnr, tools, yosys
from repvgg_hw.synth.family import FAMILIES, RESOURCES, Family
from repvgg_hw.synth.result import AVAILABLE, Part, Resources, Synthesis, Unit
from repvgg_hw.synth.tasks import Task
from repvgg_hw.targets.verilog.engine.units import REST
from repvgg_hw.targets.verilog.netlist import MEMORY_FOLDER

# Links where a tool runs: it reads the design and the design's tables by these names. No folder's own name
# stands in a script, where spaces, quotes and line breaks would mean something.
DESIGN = "design"
STEM = "netlist"  # of the files of one netlist, in its folder


class Update(Protocol):
    """update(share done in 0..1, what is going on); None for a share that nobody knows."""

    def __call__(self, share: float | None, what: str = "") -> None: ...


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
    apart = [module for modules in task.units.values() for module in modules]
    script = [
        yosys.reading([f"{DESIGN}/{name}" for name in task.sources], f"{DESIGN}/cells/{family.name}.v"),
        *netlist.of_design(family, task.top, STEM, units=apart, alone=task.alone, uram=task.uram),
    ]
    run = yosys.run(script, task.work, STEM, progress)
    yosys.check_whole(*written)
    statistics = task.work / f"{STEM}.stat.json"
    part = Part(
        task.name,
        task.planned,
        Resources(**yosys.counts(family, statistics)),
        round(run.seconds, 1),
        round(run.megabytes),
        units=tuple(_units(task, family, statistics)) if task.units else (),
    )
    return part if task.routing is None else _routed(task, family, part, progress)


def _units(task: Task, family: Family, statistics: Path) -> Iterator[Unit]:
    """Counts of the units in a netlist, then of what is left of the top."""
    modules = yosys.counts_of_modules(family, statistics)

    def added(names: Iterable[str]) -> Resources:
        taken = [modules[name] for name in names if name in modules]
        return Resources(*(sum(one[resource] for one in taken) for resource in RESOURCES))

    apart = {module for names in task.units.values() for module in names}
    for unit, names in (*task.units.items(), (REST, modules.keys() - apart)):
        yield Unit(unit, task.planned_units.get(unit), added(names))


def _routed(task: Task, family: Family, part: Part, progress: tools.Progress | None) -> Part:
    """The same with the clock that its netlist holds when it is placed and routed."""
    assert task.routing is not None
    name = STEM
    if task.border:
        name = f"{STEM}.bordered"
        border.add(task.work, STEM, name, task.top, family, progress)
    routing = task.routing
    routed = nextpnr.route(
        task.work, f"{name}.json", task.device, mhz=routing.mhz, seeds=routing.seeds, minutes=routing.minutes,
        ways=task.ways, progress=progress,
    )  # fmt: skip
    return replace(
        part,
        mhz=routed.mhz,
        path=routed.path,
        route_seconds=round(sum(attempt.seconds for attempt in routed.attempts), 1),
        route_megabytes=max(attempt.megabytes for attempt in routed.attempts),
        attempts=routed.attempts,
    )


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
