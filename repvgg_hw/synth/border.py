"""Registers around a netlist with more ports than a package has pins, so that it can be placed and routed.

Every input bit comes from a register of a chain that is shifted in through one pin, every output bit goes
into a register that is folded into a chain shifted out through another. So each path from and to a port
begins or ends at a register, as it does where a bus is behind it, and nothing is optimized away.
"""

from __future__ import annotations

from pathlib import Path

from repvgg_hw import __version__
from repvgg_hw.files import environment, templates_dir
from repvgg_hw.synth import netlist, tools, yosys
from repvgg_hw.synth.family import Family

CLOCKS = ("clk", "aclk")  # the only inputs that are pins


def add(
    folder: Path, stem: str, name: str, top: str, family: Family, progress: tools.Progress | None = None
) -> None:
    """Put registers around the flat netlist STEM.json of module `top`, both in the folder: NAME.json.

    Raises as yosys.run.
    """
    ports = netlist.ports(folder / f"{stem}.ports.json", top)
    inputs = {port: bits for port, (direction, bits) in ports.items() if direction == "input"}
    outputs = {port: bits for port, (direction, bits) in ports.items() if direction == "output"}
    template = environment(templates_dir() / "verilog").get_template("border.sv.j2")
    text = template.render(
        top=top,
        clocks=[port for port in inputs if port in CLOCKS],
        inputs={port: bits for port, bits in inputs.items() if port not in CLOCKS},
        outputs=outputs,
        version=__version__,
    )
    (folder / f"{name}.sv").write_text(text)
    script = [
        f"read_verilog -sv {name}.sv",
        *family.script("border"),
        "design -stash around",
        f"read_json {stem}.json",
        "design -stash inside",
        "design -load around",
        f"delete {top}",
        f"design -copy-from inside -as {top} {top}",
        "hierarchy -top border",
        "flatten",
        "clean",
        f"write_json {name}.json",
    ]
    yosys.run(script, folder, name, progress)
    yosys.check_whole(folder / f"{name}.json")
