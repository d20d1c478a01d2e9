"""As slow as it is told to be, and it writes what a script asks for: a netlist of nothing but one flip-flop.

FAKE_YOSYS_SECONDS  how long it takes, in a child of its own, as Yosys starts ABC
FAKE_YOSYS_UNTIL    a file: it waits until this is there, too, or two minutes
FAKE_YOSYS_CUT      a suffix: files of this name end too early, as on a full disk, and nothing is said of it
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

WRITES = re.compile(
    r"^(?:tee -q -o|write_json|write_verilog)(?: -noattr)?(?: -selected)? (\S+)", re.MULTILINE
)
CELLS = {"num_cells_by_type": {"FDRE": 1}}
CONTENT = {
    ".memories.json": '{"modules": {}}',
    ".ports.json": '{"modules": {}}',
    ".stat.json": json.dumps({"design": CELLS, "modules": {"top": CELLS}}),
    ".json": "{}",
    ".v": "module top;\nendmodule",
}


class Design:
    """What Yosys works on."""


def run_pass(command: str, design: Design) -> None:
    """Run `script FILE`: wait, then write each file that the script's commands name."""
    seconds = os.environ.get("FAKE_YOSYS_SECONDS", "0")
    if float(seconds):
        subprocess.run(["sleep", seconds], check=True)
    until = os.environ.get("FAKE_YOSYS_UNTIL")
    started = time.monotonic()
    while until and not Path(until).exists() and time.monotonic() < started + 120:
        time.sleep(0.02)
    script = Path(command.removeprefix("script ")).read_text()
    for name in WRITES.findall(script):
        suffix = next(suffix for suffix in CONTENT if name.endswith(suffix))
        text = CONTENT[suffix]
        Path(name).write_text(text[: len(text) // 2] if suffix == os.environ.get("FAKE_YOSYS_CUT") else text)
