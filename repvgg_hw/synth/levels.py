"""How a netlist is built for a clock: look-up tables between registers, and the registers of its hard blocks.

Read from the flat netlist that `netlist.of_design` writes as JSON. No tool here routes AMD's devices, so this
is what can be said of their netlists before a vendor's tool says how fast they are.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from repvgg_hw.errors import CheckFailed

Bit = int | str  # of Yosys' JSON: a net's number, or a constant
Sink = tuple[str, str]  # a cell, and one of its ports

FLIP_FLOPS = re.compile(r"FD[RSCP]E(_1)?|TRELLIS_FF")
TABLES = re.compile(r"LUT[1-6]|INV")
SELECTORS = re.compile(r"MUXF[789]|PFUMX|L6MUX21")  # beside the LUTs, in their slice
CARRIES = re.compile(r"CARRY[48]|CCU2C")
LUT_RAMS = re.compile(r"RAM\d+(M\d*|X1D)|TRELLIS_DPR16X4|SRL16E|SRLC32E")
BLOCK_RAMS = re.compile(r"RAMB(18|36)E[12]|DP16KD")
DSP = dict.fromkeys(("AREG", "BREG", "MREG", "PREG"), 0)
MULTIPLIERS: dict[
    str, Mapping[str, int | str]
] = {  # cell -> its parameters that switch registers on, and what each must not be
    "DSP48E1": DSP,
    "DSP48E2": DSP,
    # cells/ecp5.v spares the register in the middle where operands have one in front of the block, too
    "MULT18X18D": dict.fromkeys(("REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_OUTPUT_CLK"), "NONE"),
}
IGNORED = re.compile(r"\$scopeinfo|GND|VCC|VLO|VHI|GSR|PUR")
BLOCK_RAM_DATA = re.compile(r"DO(UT)?P?[AB].*")  # outputs of block RAMs; others are of cascades and of ECC


class Cell(msgspec.Struct):
    """One cell of Yosys' JSON; parameters in binary digits, or texts."""

    type: str
    parameters: dict[str, str]
    port_directions: dict[str, str]
    connections: dict[str, list[Bit]]


@dataclass(frozen=True)
class Chain:
    """Cells from one register to another: LUTs among them, carry cells, and all by name, with both ends."""

    levels: int
    carries: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Structure:
    """What a netlist's clock depends on.

    longest       the path from register to register with the most LUTs; where several have, most carry cells.
                  Registers are flip-flops, and those of memories and multipliers
    pin_levels    most LUTs between a pin and a register, or between two pins
    multipliers, registered_multipliers   all; those with operands, product and result in registers of theirs,
                  on ECP5 operands and result
    block_rams, registered_block_rams     all; those of which every bit that is read goes straight into
                  flip-flops or operand registers of multipliers, without a LUT between
    """

    longest: Chain
    pin_levels: int
    multipliers: int
    registered_multipliers: int
    block_rams: int
    registered_block_rams: int

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return dataclasses.asdict(self)


class _Module(msgspec.Struct):
    cells: dict[str, msgspec.Raw]
    attributes: dict[str, str] = {}


class _Netlist(msgspec.Struct):
    modules: dict[str, _Module]


def read(path: Path) -> dict[str, Cell]:
    """The cells of a flat netlist's top module, by name. Raises CheckFailed for another file."""
    try:
        modules = msgspec.json.decode(path.read_bytes(), type=_Netlist).modules
        (top,) = [one for one in modules.values() if "top" in one.attributes]
        return {name: msgspec.json.decode(cell, type=Cell) for name, cell in top.cells.items()}
    except (OSError, ValueError) as error:
        raise CheckFailed(f"{path} is no netlist of Yosys' with one top module: {error}") from None


def structure(cells: Mapping[str, Cell]) -> Structure:
    """Levels and registers of a flat netlist.

    Raises CheckFailed for a cell that is not known here, and for a loop of logic without a register.
    """
    graph = _Graph(cells)
    multipliers = [cell for cell in cells.values() if cell.type in MULTIPLIERS]
    memories = [cell for cell in cells.values() if BLOCK_RAMS.fullmatch(cell.type)]
    paths, pins = graph.paths(of_pins=False), graph.paths(of_pins=True)
    return Structure(
        longest=max(paths, key=lambda path: (path.levels, path.carries), default=Chain(0, 0, ())),
        pin_levels=max((path.levels for path in pins), default=0),
        multipliers=len(multipliers),
        registered_multipliers=sum(map(_is_registered, multipliers)),
        block_rams=len(memories),
        registered_block_rams=sum(map(graph.outputs_are_registered, memories)),
    )


def _is_registered(cell: Cell) -> bool:
    """Whether a multiplier has every register of its own."""
    found = cell.parameters
    return all(
        name in found and (int(found[name], 2) if off == 0 else found[name]) != off
        for name, off in MULTIPLIERS[cell.type].items()
    )


def _is_sequential(kind: str) -> bool:
    return bool(FLIP_FLOPS.fullmatch(kind) or BLOCK_RAMS.fullmatch(kind)) or kind in MULTIPLIERS


def _feeding(cell: Cell, port: str, index: int) -> Iterator[tuple[str, int]]:
    """Input bits of a cell of logic on which this bit of an output depends."""
    kind, connections = cell.type, cell.connections
    if kind == "CARRY4" or kind == "CARRY8":  # UG474, UG574: a bit sees its own S and what is below it
        last = {"S": index, "DI": index if port == "CO" else index - 1}
        for name in ("CI", "CYINIT", "CI_TOP", "S", "DI"):
            for i in range(min(last.get(name, len(connections.get(name, ()))), 7) + 1):
                if name in connections and i < len(connections[name]):
                    yield name, i
        return
    for name, direction in cell.port_directions.items():
        if direction == "input" and _reads(kind, port, name):
            yield from ((name, i) for i in range(len(connections[name])))


def _reads(kind: str, output: str, entry: str) -> bool:
    """Whether an output of a cell follows an input within a cycle; a memory's in LUTs its read address."""
    if kind.startswith("RAM") and kind.endswith("X1D"):
        return entry.startswith("DPRA") if output == "DPO" else bool(re.fullmatch(r"A\d*", entry))
    if re.fullmatch(r"RAM\d+M\d*", kind):
        return entry == f"ADDR{output[2:]}"
    if kind.startswith("SRL"):
        return bool(re.fullmatch(r"A\d*", entry))
    return entry == "RAD" if kind == "TRELLIS_DPR16X4" else True


class _Graph:
    """Who drives each net and who takes it."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self.cells = cells
        self.driver: dict[Bit, tuple[str, str, int]] = {}
        self.sinks: dict[Bit, list[Sink]] = {}
        self.known: dict[tuple[Bit, bool], tuple[int, int, Bit | None] | None] = {}
        for name, cell in cells.items():
            logic = any(kinds.fullmatch(cell.type) for kinds in (TABLES, SELECTORS, CARRIES, LUT_RAMS))
            if not (logic or _is_sequential(cell.type) or IGNORED.fullmatch(cell.type)):
                raise CheckFailed(f"{name} is a {cell.type}: what it does to a path is not known here")
            for port, bits in cell.connections.items():
                for i, bit in enumerate(bits):
                    if cell.port_directions[port] == "output":
                        self.driver[bit] = (name, port, i)
                    elif isinstance(bit, int):
                        self.sinks.setdefault(bit, []).append((name, port))

    def outputs_are_registered(self, memory: Cell) -> bool:
        """Whether all that takes a block RAM's data are inputs of registers."""
        return all(
            self._is_register(self.cells[name], port)
            for output, bits in memory.connections.items()
            if BLOCK_RAM_DATA.fullmatch(output) and memory.port_directions[output] == "output"
            for bit in bits
            for name, port in self.sinks.get(bit, ())
        )

    def _is_register(self, cell: Cell, port: str) -> bool:
        if FLIP_FLOPS.fullmatch(cell.type):
            return port in ("D", "DI", "M")
        return cell.type in MULTIPLIERS and port[0] in "AB" and _is_registered(cell)

    def paths(self, *, of_pins: bool) -> Iterator[Chain]:
        """The longest path to each input of a register: from registers; or from pins, and to them, too."""
        for bit, sinks in self.sinks.items():
            ends = [name for name, port in sinks if self._is_end(name)]
            if ends and (found := self._arrival(bit, of_pins)) is not None:
                yield Chain(found[0], found[1], (*self._names(bit, of_pins), ends[0]))
        if of_pins:  # what nothing takes leaves the design
            for bit in self.driver.keys() - self.sinks.keys():
                for start in (False, True):
                    if (found := self._arrival(bit, start)) is not None:
                        yield Chain(found[0], found[1], self._names(bit, start))

    def _is_end(self, name: str) -> bool:
        kind = self.cells[name].type
        return _is_sequential(kind) or bool(LUT_RAMS.fullmatch(kind))

    def _entries(self, bit: Bit) -> Sequence[Bit]:
        """The nets on which a net depends within a cycle."""
        name, port, index = self.driver[bit]
        cell = self.cells[name]
        if _is_sequential(cell.type):
            return ()
        taken = (cell.connections[entry][i] for entry, i in _feeding(cell, port, index))
        return [one for one in taken if isinstance(one, int)]

    def _arrival(self, goal: Bit, of_pins: bool) -> tuple[int, int, Bit | None] | None:
        """(LUTs, carry cells, the net before) of the longest path to a net; None where none begins so."""
        stack, open_nets = [goal], set[Bit]()
        while stack:
            bit = stack[-1]
            if (bit, of_pins) in self.known:
                stack.pop()
                continue
            entries = self._entries(bit) if bit in self.driver else ()
            missing = [one for one in entries if (one, of_pins) not in self.known]
            if missing:
                if open_nets.intersection(missing):
                    raise CheckFailed(f"a loop of logic without a register, through {self.driver[bit][0]}")
                open_nets.add(bit)
                stack.extend(missing)
                continue
            self.known[bit, of_pins] = self._longest(bit, entries, of_pins)
            open_nets.discard(bit)
            stack.pop()
        return self.known[goal, of_pins]

    def _longest(self, bit: Bit, entries: Sequence[Bit], of_pins: bool) -> tuple[int, int, Bit | None] | None:
        if bit not in self.driver:
            return (0, 0, None) if of_pins else None
        cell = self.cells[self.driver[bit][0]]
        if _is_sequential(cell.type):
            return None if of_pins else (0, 0, None)
        table = bool(TABLES.fullmatch(cell.type) or LUT_RAMS.fullmatch(cell.type))
        carry = bool(CARRIES.fullmatch(cell.type))
        best = max(
            ((*found[:2], one) for one in entries if (found := self.known[one, of_pins]) is not None),
            key=lambda path: path[:2],
            default=None,
        )
        if best is None and (of_pins or not LUT_RAMS.fullmatch(cell.type)):
            return None
        levels, carries, before = best or (0, 0, None)  # a memory's contents are a register, too
        return levels + table, carries + carry, before

    def _names(self, bit: Bit | None, of_pins: bool) -> tuple[str, ...]:
        """Cells that a path goes through, from its beginning."""
        names: list[str] = []
        while bit is not None:
            if bit in self.driver:
                names.append(self.driver[bit][0])
            found = self.known[bit, of_pins]
            bit = found[2] if found is not None else None
        return tuple(reversed(names))
