"""The bench of a whole engine's faults: a memory with good and bad images, and what is right in the end.

`set_up` writes memory.bin and faults.json for sim/tb_engine_faults.py; `differences` judges what it leaves.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from engine_cases import network_of, random_frame
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.files import sim_dir
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.codes import HEADER
from repvgg_hw.plan.engine.instruction import BYTES, Instruction, Op
from repvgg_hw.plan.engine.machine import planar
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.targets import generate
from repvgg_hw.targets.verilog.engine import memory
from repvgg_hw.targets.verilog.engine import run as engine_run
from repvgg_hw.targets.verilog.engine.expected import golden_values
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

NETWORK = network_of([(5, 2, 1), (4, 1, 1), (6, 1, 2)], (3, 11, 8), classes=10)
ARRAY = Array(
    n=5, pi=2, po=2, lanes=1, t_max=6, word_depth=32, line_depth=4, out_words=16, c_max=16, acc_w=24
)
TESTS = re.findall(r"^@board\nasync def (\w+)", (sim_dir() / "tb_engine_faults.py").read_text(), re.MULTILINE)
FRAMES = 5  # different inputs
SIZE = 1 << 20  # of the bench's memory
UNTOUCHED = 0xAA
PROGRAM, WAITS = ["program"], ["program", "watchdog"]


def word(image: bytes, name: str) -> int:
    """A word of the header."""
    at = HEADER[name] // 8
    return int.from_bytes(image[at : at + 4], "little")


def header_with(image: bytes, name: str, value: int) -> bytes:
    at = HEADER[name] // 8
    return image[:at] + value.to_bytes(4, "little") + image[at + 4 :]


def instruction_with(image: bytes, number: int, **fields: int) -> bytes:
    """One instruction of the program with other fields; negative numbers count from the end."""
    count, at = word(image, "count"), word(image, "program")
    at += number % count * BYTES
    one = Instruction.unpack(image[at : at + BYTES])
    changed = replace(one, **{name: getattr(one, name) + add for name, add in fields.items()})
    return image[:at] + changed.pack() + image[at + BYTES :]


def bad_images(job: Job) -> Iterator[tuple[str, bytes, list[str]]]:
    """(what is wrong, the image, codes of which one must end its run)."""
    image, array = job.image, job.schedule.array
    count, program = word(image, "count"), word(image, "program")
    yield "not an image", b"\0" + image[1:], ["magic"]
    yield "untouched memory", bytes([UNTOUCHED]) * 256, ["magic"]
    yield "another version", header_with(image, "version", word(image, "version") + 1), ["version"]
    yield "of another engine", header_with(image, "engine", array.identity ^ 1 << 31), ["engine"]
    for name, value in (
        ("nothing", 0),
        ("nothing but an end", 1),
        ("shorter", count - 1),
        ("longer", count + 1),
    ):
        yield f"a count of {name}", header_with(image, "count", value), PROGRAM
    yield "a program within a beat", header_with(image, "program", program + 4), PROGRAM
    yield "truncated", image[: program + BYTES], PROGRAM
    yield "truncated, then zeros", image[: program + BYTES] + bytes(len(image) - program - BYTES), PROGRAM
    yield "no end", instruction_with(image, -1, op=3), PROGRAM
    first = Instruction.unpack(image[program : program + BYTES])
    end = program + (count - 1) * BYTES
    yield "a strip where the end should be", image[:end] + first.pack() + image[end + BYTES :], PROGRAM
    yield "an end in the middle", instruction_with(image, 1, op=-Op.CONV), PROGRAM
    yield "an unknown operation", _with_op(image, program + BYTES, 7), PROGRAM
    for name in ("tiles", "words", "groups", "repeats", "weight_beats", "load_line_beats", "store_rows"):
        yield f"no {name}", instruction_with(image, 1, **{name: -getattr(_second(image), name)}), PROGRAM
    limits = {"in_lanes": array.pi, "out_lanes": array.po, "load_line_beats": array.line_depth}
    limits |= {"store_line_beats": array.out_words, "tiles_x": array.t_max}
    for name, most in limits.items():
        beyond = most + 1 - getattr(_second(image), name)
        yield f"{name} beyond the engine's", instruction_with(image, 1, **{name: beyond}), PROGRAM
    for name in ("load_addr", "store_addr", "store_pitch", "weight_addr"):
        yield f"{name} within a beat", instruction_with(image, 1, **{name: 2}), PROGRAM
    yield "more sums than the pool has", instruction_with(image, -2, channels=array.c_max), PROGRAM
    yield "too many weights", instruction_with(image, 1, weight_beats=array.parameters["BLOCK_BEATS"]), WAITS
    yield "one beat of weights too many", instruction_with(image, -2, weight_beats=1), WAITS
    yield "too few weights", instruction_with(image, 1, weight_beats=-1), WAITS
    yield "too few weights at the end", instruction_with(image, -2, weight_beats=-1), WAITS
    yield "more words than the memory holds", instruction_with(image, 1, words=array.word_depth), WAITS


def _second(image: bytes) -> Instruction:
    at = word(image, "program") + BYTES
    return Instruction.unpack(image[at : at + BYTES])


def _with_op(image: bytes, at: int, op: int) -> bytes:
    return image[:at] + bytes([op]) + image[at + 1 :]


def expected(job: Job, frame: NDArray[np.integer]) -> dict[str, list[int]]:
    """Of maps and output after a frame: each byte; -1: anything, UNTOUCHED: nothing writes there."""
    writes, sums = memory.expected(job.machine, frame[None])
    golden_values(job, writes, sums, frame[None])
    found = {
        "maps": np.full(job.schedule.maps_bytes, UNTOUCHED),
        "output": np.full(job.schedule.output_bytes, UNTOUCHED),
    }
    for _, write in writes:
        region = found["output" if write.output else "maps"]
        values = np.where(write.mask, write.data.astype(np.int64), -1)
        region[write.address : write.address + values.size] = values.reshape(-1)
    return {name: region.tolist() for name, region in found.items()}


def set_up(job: Job, folder: Path, seed: int) -> dict[str, Any]:
    """Write memory.bin and faults.json into the folder; returns what the latter says."""
    content = np.full(SIZE, UNTOUCHED, np.uint8)
    bad = list(bad_images(job))
    at, images = 0, {}
    for name, image in [("good", job.image), *((name, image) for name, image, _ in bad)]:
        images[name] = at
        content[at : at + len(image)] = np.frombuffer(image, np.uint8)
        at = memory.paged(at + len(image)) + (len(images) % 3) * 64  # not only at pages
    step = memory.paged(job.schedule.input_bytes)
    first = at = memory.paged(at)
    frames = [random_frame(job.schedule.network, seed) for seed in range(FRAMES)]
    for frame in frames:
        lines = planar(frame, job.schedule.array)
        content[at : at + lines.size] = lines
        at += step
    setup = {
        "seed": seed,
        "images": images,
        "bad": {name: codes for name, _, codes in bad},
        "weight_places": [0, word(job.image, "program"), job.schedule.weight_addresses[1]],
        "input_places": [0, job.schedule.input_bytes // 2],
        "input": first,
        "input_stride": step,
        "free": at,
        "size": SIZE,
        "maps_bytes": job.schedule.maps_bytes,
        "output_bytes": job.schedule.output_bytes,
        "bw": job.schedule.array.bw,
        "expected": [expected(job, frame) for frame in frames],
    }
    (folder / "memory.bin").write_bytes(content.tobytes())
    (folder / "faults.json").write_text(json.dumps(setup))
    return setup


def differences(setup: dict[str, Any], folder: Path) -> dict[str, str]:
    """Each test's first byte that differs in the dumped memory; 8 bytes around each region are its fence."""
    dumped = np.fromfile(folder / "dump.bin", np.uint8)
    fence, found = [UNTOUCHED] * 8, dict[str, str]()
    for one in json.loads((folder / "compare.json").read_text()):
        region, base = one["region"], one["base"]
        nothing = [UNTOUCHED] * setup[f"{region}_bytes"]
        values = nothing if one["frame"] is None else setup["expected"][one["frame"]][region]
        want = np.array([*fence, *values, *fence])
        got = dumped[base - len(fence) : base - len(fence) + want.size]
        wrong = np.flatnonzero((want >= 0) & (want != got))
        if wrong.size:
            at = int(wrong[0])
            text = f"run {one['run']}, byte {at - len(fence)} of the {region}: {got[at]}, expected {want[at]}"
            found.setdefault(one["test"], text)
    return found


def emitted(folder: Path) -> Design[EnginePlan]:
    """The small engine of these tests."""
    request = parse("verilog", multipliers=ARRAY.multipliers, architecture="engine")
    plan = EnginePlan(schedule.plan_fastest(NETWORK, ARRAY), request.clock_mhz)
    design = Design(folder, request, NETWORK, plan, {})
    generate.write(design)
    return design


def found(design: Design[EnginePlan], seed: int = 0) -> dict[str, str]:
    """Build and run the bench of faults on a design: test -> what went wrong, empty where nothing did.

    seed  where not 0: of latencies, of back-pressure on every channel, and of more moments
    """
    folder, work = design.directory.resolve(), design.directory.resolve() / "faults"
    work.mkdir()
    setup = set_up(Job.of(design.plan.schedule), work, seed)
    for empty in ("maps", "logits", "sums"):
        (work / f"{empty}.bin").touch()
    verilator.build(
        [sim_dir() / "engine_faults.vlt", *engine_run.sources(folder)], "bench", work / "sim",
        parameters={"SIZE": SIZE}, arguments=ASSERTIONS, optimize="-O0",
    )  # fmt: skip
    plusargs = [f"+data={work}", f"+log={work / 'check.log'}", "+sums=0", "+outputs=0"]
    plusargs += [f"+dram_load0={work / 'memory.bin'}", f"+dram_dump={work / 'dump.bin'}"]
    if seed:
        plusargs += [f"+seed={seed}", "+latency_min=2", "+latency_max=60", "+back_pressure=20"]
    files = {"REPVGG_HW_FAULTS": "faults.json", "REPVGG_HW_COMPARE": "compare.json"}
    verilator.run(
        work / "sim", "bench", "tb_engine_faults", modules_path=sim_dir(), work=work, plusargs=plusargs,
        environment={name: str(work / file) for name, file in files.items()}, results=work / "results.xml",
        log=work / "run.log",
    )  # fmt: skip
    log = (work / "run.log").read_text()
    said = re.findall(r"^(?:dram_model: |broken promise in |rvg_\w+: ).*$", log, re.MULTILINE)
    results = {}
    if (work / "results.xml").is_file():
        for case in ET.parse(work / "results.xml").iter("testcase"):
            failure = case.find("failure")
            error = failure if failure is not None else case.find("error")
            text = "" if error is None else (error.get("error_msg") or error.get("message") or "failed")
            results[case.get("name", "").split(".")[-1]] = text
    if (work / "dump.bin").is_file():
        wrong = differences(setup, work)
        results = {test: text or wrong.get(test, "") for test, text in results.items()}
    return {test: results.get(test, said[0] if said else f"not run: {log[-1000:]}") for test in TESTS}
