"""Single faults in the text of a netlist, as tools or hands could make them; whatever the widths are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

INSTANCE = (
    r"^  (?P<kind>{kind}) #\(\n(?P<parameters>(?:    .*\n)+)"
    r"  \) \\?(?P<name>{name}) +\(\n(?P<ports>(?:    .*\n)+)  \);$"
)
# kind of a cell -> what to replace in its parameters: a sum of two zeros; registers
TABLES = {"CCU2C": ("INIT0(16'h96aa)", "INIT0(16'h97aa)"), "LUT2": ("INIT(4'h6)", "INIT(4'h7)")}
REGISTERS = {
    "MULT18X18D": ('REG_OUTPUT_CLK("CLK0")', 'REG_OUTPUT_CLK("NONE")'),
    "DSP48E[12]": ("MREG(32'sd1)", "MREG(32'sd0)"),
}


def instances(text: str, kind: str, name: str) -> Iterator[re.Match[str]]:
    """Cells of this kind and name, both as patterns."""
    return re.finditer(INSTANCE.format(kind=kind, name=name), text, re.MULTILINE)


def _replaced(text: str, faults: dict[str, tuple[str, str]], name: str, port: str = "") -> str:
    """One replacement in the first cell that has what is to be replaced, and such a net at a port."""
    for kind, (old, new) in faults.items():
        for cell in instances(text, kind, name):
            if old in cell[0] and re.search(port, cell["ports"]):
                return text[: cell.start()] + cell[0].replace(old, new) + text[cell.end() :]
    raise AssertionError(f"no cell of this netlist has any of {faults}")


def flipped_bit(text: str) -> str:
    """One bit of a look-up table, where requantization rounds: of an accumulator a low bit may round away."""
    return _replaced(text, TABLES, r"u_stage\S*", port=r"requant\S*halves_q")


def missing_register(text: str) -> str:
    """A multiplier without one of its registers."""
    return _replaced(text, REGISTERS, r"u_stage\S*")


def swapped_wires(text: str) -> str:
    """The inputs of two flip-flops that drive bits of one stream, within a unit or between them."""
    of_stream: dict[str, re.Match[str]] = {}
    for cell in instances(text, "TRELLIS_FF|FDRE", r"\S+"):
        driven = re.search(r"\.Q\(\\?([\w.]+_tdata) ?\[\d+\]\)", cell["ports"])
        if driven is None:
            continue
        first = of_stream.setdefault(driven[1], cell)
        if first is not cell:
            break
    else:
        raise AssertionError("no stream of this netlist comes from flip-flops")
    inputs = [re.search(r"\.DI?\((.*)\),?$", one[0], re.MULTILINE) for one in (first, cell)]
    a, b = (found[1] for found in inputs if found is not None)
    ends = [one[0].replace(f"({old})", f"({new})") for one, old, new in ((first, a, b), (cell, b, a))]
    return text[: first.start()] + ends[0] + text[first.end() : cell.start()] + ends[1] + text[cell.end() :]


FAULTS: dict[str, Callable[[str], str]] = {
    "flipped bit": flipped_bit,
    "missing register": missing_register,
    "swapped wires": swapped_wires,
}
