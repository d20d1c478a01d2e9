"""The memory model of the engine's simulation, and its comparison of writes: both can fail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from units import Cases, Trials, judge, simulate

from repvgg_hw.files import sim_dir

PAGE = 4096
SIZE = 8 * PAGE
SOURCES = ("pkg", "pauses", "read_port", "write_port", "hazards", "model", "write_check")
MODEL = {"ADDR_W": 32, "SIZE": SIZE, "MAX_BURST": 16, "ID_W": 2}
CASES: dict[str, Cases] = {
    "dram_model": {
        "one": {**MODEL, "PORTS": 1, "DATA_W": 64, "BYTES": 8, "IDS": 2, "BEATS_NUM": 1, "BEATS_DEN": 1},
        "two": {**MODEL, "PORTS": 2, "DATA_W": 128, "BYTES": 0x1008, "IDS": 0x0301, "BEATS_NUM": 3,
                "BEATS_DEN": 2},
        "slow": {**MODEL, "PORTS": 1, "DATA_W": 128, "BYTES": 16, "IDS": 1, "BEATS_NUM": 1, "BEATS_DEN": 3},
    },
    "dram_write_check": {
        "w64": {"DATA_W": 64, "ADDR_W": 32, "NAME": "w64"},
        "w128": {"DATA_W": 128, "ADDR_W": 32, "NAME": "w128"},
    },
}  # fmt: skip
RULES = (
    "valid or payload changed before it was taken",
    "a burst crosses 4 KiB",
    "a burst is longer than agreed",
    "a burst is not INCR of whole beats",
    "a burst begins within a beat",
    "a burst leaves the memory",
    "an unknown ID",
    "WLAST is not with the last beat",
    "a byte is written outside of what may be written",
    "a read of what is being written and not yet acknowledged",
    "a write to what is being read",
    "a write to what is being written and not yet acknowledged",
)


def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAM_FOLDER", str(tmp_path))
    dice = random.Random("memory")
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(dice.randbytes(PAGE))
    for name, size in (("w64", 8), ("w128", 16)):
        records = [
            dice.randbytes(4 + size)
            + (dice.getrandbits(8 * size // 8) | 1 << n).to_bytes(size // 8, "little")
            for n in range(6)
        ]
        (tmp_path / f"{name}.bin").write_bytes(b"".join(records))
    plusargs = ["+seed=3", "+back_pressure=25", "+latency_min=5", "+latency_max=60", f"+data={tmp_path}"]
    plusargs += [
        f"+dram_load0={tmp_path}/first",
        f"+dram_load1={tmp_path}/second",
        f"+dram_load_at1={2 * PAGE}",
    ]
    plusargs += [f"+dram_dump={tmp_path}/dump", f"+write_to={SIZE - 64}", f"+read_error_at={0x3018}"]
    plusargs += [f"+write_error_at={0x3018}", "+read_error_burst=30", "+write_error_burst=30"]
    units = {module: Trials(cases) for module, cases in CASES.items()}
    instances = [
        (f"{module}_{case}", module, parameters)
        for module, cases in CASES.items()
        for case, parameters in cases.items()
    ]
    sources = [sim_dir() / f"dram_{name}.sv" for name in SOURCES]
    failed, log = simulate(tmp_path, units, instances, sources, go_on=True, plusargs=plusargs)
    judge(units, failed, log)
    for rule in RULES:
        lines = [line for line in log.splitlines() if line.startswith("dram_model: ") and f"{rule}: " in line]
        assert lines, f"no line says {rule!r}"
    assert "surplus w64 6 " in log
    assert "write w128 5 " in log
