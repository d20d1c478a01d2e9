"""LLVM's intermediate representation, as far as loops need it: functions, blocks, instructions, delays.

Delays are in nanoseconds, on a scale where an addition of 32 bits takes one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

NAME = r'%(?:"[^"]*"|[-\w.$]+)'
MERGE, LOGIC = 0.4, 0.3
MEMORY = 5.0  # a whole cycle at 200 MHz: a memory's output is registered
FREE = {
    "zext",
    "sext",
    "trunc",
    "bitcast",
    "freeze",
    "getelementptr",
    "alloca",
    "extractvalue",
    "insertvalue",
}


def adder(bits: int) -> float:
    """Of an addition, a subtraction, a comparison for order: a carry over all bits."""
    return 0.36 + 0.02 * bits


@dataclass(frozen=True)
class Instruction:
    """One line: the value that it defines ("" for none), what it does, and the values that it reads."""

    name: str
    operation: str
    operands: tuple[str, ...]
    text: str

    @property
    def bits(self) -> int:
        found = re.search(r"\bi(\d+)\b", self.text)
        return int(found[1]) if found else 32

    @property
    def delay(self) -> float:
        """Of the operation alone."""
        match self.operation:
            case "add" | "sub":
                return adder(self.bits)
            case "icmp":
                # equality and zero are a tree of LUTs, a sign is a wire
                if re.search(r"icmp (slt|sgt) i\d+ .*, (0|-1)$", self.text):
                    return 2 * LOGIC if " sgt i" in self.text and self.text.endswith(" 0") else 0.0
                return 2 * LOGIC if re.search(r"icmp (samesign )?(eq|ne)", self.text) else adder(self.bits)
            case "mul":
                return 2 * adder(self.bits) if len(self.operands) == 1 else 3.0
            case "shl" | "lshr" | "ashr":
                return 0.0 if len(self.operands) == 1 else 3 * LOGIC
            case "and" | "or" | "xor":
                return LOGIC if self.bits == 1 or len(self.operands) > 1 else 0.0  # a constant mask is wiring
            case "select" | "phi" | "switch":
                return MERGE
            case "load":
                return MEMORY
            case "call":
                return adder(self.bits) + MERGE if re.search(r"@llvm\.[su](max|min)", self.text) else 0.0
            case _:
                return 0.0


@dataclass
class Block:
    """A straight run of instructions; `after` are the blocks that may follow."""

    name: str
    instructions: list[Instruction] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def instruction(line: str) -> Instruction:
    text = re.sub(r", !\w+.*$|, align \d+$", "", line.strip())
    text = re.sub(r", align \d+$", "", text)
    defined = re.match(rf"({NAME}) = ", text)
    rest = text[defined.end() :] if defined else text
    operation = re.sub(r"^(tail|musttail|notail) ", "", rest).split(" ", 1)[0]
    values = re.findall(rf"(?<!label )({NAME})", re.sub(r'%(struct|class|union)[.\w]*|%"[^"]*"', "", rest))
    return Instruction(defined[1] if defined else "", operation, tuple(values), rest)


@dataclass
class Function:
    """One process."""

    name: str
    blocks: dict[str, Block]

    @cached_property
    def defined_in(self) -> dict[str, str]:
        return {i.name: b.name for b in self.blocks.values() for i in b.instructions if i.name}

    @cached_property
    def before(self) -> dict[str, list[str]]:
        result = defaultdict(list)
        for block in self.blocks.values():
            for name in block.after:
                result[name].append(block.name)
        return result

    def reachable(self, start: Iterable[str], step: dict[str, list[str]], barred: set[str]) -> set[str]:
        """Blocks that `step` leads to, the start's own among them, none beyond barred ones."""
        seen: set[str] = set()
        todo = list(start)
        while todo:
            name = todo.pop()
            if name in seen or name in barred:
                continue
            seen.add(name)
            todo += step[name]
        return seen

    def headers(self) -> Iterator[str]:
        """Of each pipelined loop: the block that holds the mark."""
        after = {b.name: b.after for b in self.blocks.values()}
        for block in self.blocks.values():
            if any("@pipelined()" in i.text for i in block.instructions):
                assert block.name in self.reachable(after[block.name], after, set()), (
                    f"no loop in {self.name}"
                )
                yield block.name


def functions(text: str) -> Iterator[Function]:
    """Of a module's text."""
    for match in re.finditer(r"^define [^@]*@(\S+?)\(.*?\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        blocks: dict[str, Block] = {}
        block = Block("entry")
        for line in match[2].split("\n"):
            label = re.match(r'^("[^"]*"|[-\w.$]+):', line)
            if label:
                block = Block("%" + label[1])
            elif not line.strip() or line.startswith("    #dbg"):
                continue
            if not label:
                block.instructions.append(instruction(line))
                block.after += re.findall(rf"label ({NAME})", line)
            blocks.setdefault(block.name, block)
        yield Function(match[1], blocks)
