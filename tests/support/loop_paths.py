"""The longest loop-carried path of pipelined loops, from LLVM's intermediate representation.

A loop is pipelined where it calls `pipelined`. An iteration of it goes from its header to its header again,
through the loops around it, too, as a tool flattens them; each value that lives longer is a register. From
register to register the delays of the operations between add up, conditions that decide a merge included. A
cycle of d registers needs its delay within d cycles at an initiation interval of one, so what counts is the
largest mean over all cycles of registers, whatever else a tool can pipeline. A stream's state is known as the
cycle begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from llvm_text import MEMORY, MERGE, NAME, Function, Instruction, functions


class Iteration:
    """One iteration of a pipelined loop: its blocks in order, and the delays between its registers."""

    def __init__(self, function: Function, header: str, memories: dict[str, int]) -> None:
        """memories: name -> iterations from writing to reading, 0 for no conflict; others are registers."""
        self.function, self.header = function, header
        after = {b.name: b.after for b in function.blocks.values()}
        ahead = function.reachable(after[header], after, {header}) | {header}
        back = function.reachable(function.before[header], function.before, {header}) | {header}
        self.blocks = ahead & back
        self.after = {n: [a for a in after[n] if a in self.blocks and a != header] for n in self.blocks}
        self.order = self._topological()
        self.place = {name: i for i, name in enumerate(self.order)}
        self.before = {n: [b for b in function.before[n] if b in self.blocks] for n in self.blocks}
        self.bases = self._bases()
        self.memories = memories

    def _topological(self) -> list[str]:
        waits = dict.fromkeys(self.blocks, 0)
        for n in self.blocks:
            for a in self.after[n]:
                waits[a] += 1
        order, ready = [], [self.header]
        while ready:
            order.append(ready.pop())
            for a in self.after[order[-1]]:
                waits[a] -= 1
                if not waits[a]:
                    ready.append(a)
        assert len(order) == len(self.blocks), f"a loop within the pipelined loop of {self.function.name}"
        return order

    def _bases(self) -> dict[str, str]:
        """The local array that each address points into."""
        bases = {}
        for block in self.function.blocks.values():
            for i in block.instructions:
                if i.operation == "alloca":
                    bases[i.name] = i.name
                elif i.operation == "getelementptr" and i.operands[0] in bases:
                    bases[i.name] = bases[i.operands[0]]
        return bases

    def _dominator(self, name: str) -> str:
        """Of a block, or of the iteration's end by the header's name: the last block on every way there."""
        ends = self.before[name]
        ways = self.function.reachable(
            ends, {n: self.before[n] if n != self.header else [] for n in self.blocks}, set()
        )
        for candidate in reversed(self.order):
            if candidate not in ways:
                continue
            if candidate == self.header or self.header not in self.function.reachable(
                ends, {n: self.before[n] if n != self.header else [] for n in self.blocks}, {candidate}
            ):
                return candidate
        raise AssertionError

    def _conditions(self, name: str) -> set[str]:
        """Values that decide by which way a block is reached from its dominator."""
        top = self._dominator(name)
        back = {n: self.before[n] if n != top else [] for n in self.blocks}
        values: set[str] = set()
        for n in self.function.reachable(self.before[name], back, set()):
            ways = [a for a in self.function.blocks[n].after if a in self.blocks]
            if len(set(ways)) > 1:
                values.update(self.function.blocks[n].instructions[-1].operands[:1])
        return values

    def paths(self) -> dict[tuple[str, str], float]:
        """(register, register) -> the longest delay from one to the other within an iteration."""
        arrivals: dict[str, dict[str, float]] = {}  # value -> source register -> delay
        memory: dict[str, dict[str, float]] = {}  # what was stored into a local array in this iteration

        def of(value: str, at: str) -> dict[str, float]:
            where = self.function.defined_in.get(value)
            if where is None or where not in self.place:
                return {}  # a constant, or fixed before the loop begins
            if self.place[where] > self.place[at] or value not in arrivals:
                return {value: 0.0}  # of an iteration before
            return arrivals[value]

        def latest(parts: Iterable[dict[str, float]], delay: float) -> dict[str, float]:
            result: dict[str, float] = {}
            for part in parts:
                for source, time in part.items():
                    result[source] = max(result.get(source, 0.0), time + delay)
            return result

        for name in self.order:
            conditions = [of(c, name) for c in self._conditions(name)] if name != self.header else []
            for i in self.function.blocks[name].instructions:
                if i.operation == "phi" and name == self.header:
                    arrivals[i.name] = {i.name: 0.0}
                    continue
                reads = [of(v, name) for v in i.operands if v in self.function.defined_in]
                delay = i.delay
                if i.operation == "phi" and self._source(i.name) == i.name:
                    reads += conditions
                elif i.operation == "phi":
                    delay = 0.0
                base = next((self.bases[v] for v in i.operands if v in self.bases), "")
                stated = base[1:].split(".")[0] in self.memories
                remembers = base and self._distance(base) > 0
                if i.operation == "load" and base:
                    if remembers:
                        reads.append(memory.get(base, {}) | {base: 0.0})
                    arrivals[i.name] = latest(reads, MEMORY if stated else MERGE)
                elif i.operation in {"store", "call"} and remembers and "lifetime" not in i.text:
                    gate = [of(c, name) for c in self._guards(name)]
                    memory[base] = latest([latest(reads, 0), *gate, memory.get(base, {base: 0.0})], 0.0)
                elif i.name:
                    arrivals[i.name] = latest(reads, delay)

        result: dict[tuple[str, str], float] = {}

        def sink(register: str, parts: Iterable[dict[str, float]], delay: float) -> None:
            for source, time in latest(parts, delay).items():
                result[source, register] = max(result.get((source, register), 0.0), time)

        end = self.order[-1]
        decide = [of(c, end) for c in self._conditions(self.header)]
        for i in self.function.blocks[self.header].instructions:
            if i.operation == "phi":
                ways = [(self._source(v), b) for v, b in self._ways(i)]
                merges = len({v for v, _ in ways}) > 1
                sink(
                    i.name, [of(v, b) for v, b in ways] + (decide if merges else []), MERGE if merges else 0.0
                )
        for value, where in self.function.defined_in.items():
            if (
                where in self.place
                and where != self.header
                and any(s == value for a in arrivals.values() for s in a)
            ):
                sink(value, [arrivals[value]], MERGE)
        for base, stored in memory.items():
            steps = self._distance(base)
            line = [*(f"{base}, {n} iterations before" for n in range(1, steps)), base]
            sink(line[0], [stored], MERGE if steps == 1 else 0.0)
            result.update(dict.fromkeys(pairwise(line), 0.0))
        return result

    def _distance(self, array: str) -> int:
        """Iterations from its writing to its reading; registers are read in the next one."""
        return self.memories.get(array[1:].split(".")[0], 1)

    def _ways(self, phi: Instruction) -> list[tuple[str, str]]:
        """(value, block) by which a phi may get its value within an iteration."""
        return [(v, b) for v, b in re.findall(rf"\[ (\S+), ({NAME}) \]", phi.text) if b in self.blocks]

    def _source(self, value: str) -> str:
        """The value itself, or the one that every way brings to a phi which decides nothing."""
        where = self.function.defined_in.get(value)
        if where not in self.blocks or where == self.header:
            return value
        phi = next(i for i in self.function.blocks[where].instructions if i.name == value)
        sources = {self._source(v) for v, _ in self._ways(phi)} if phi.operation == "phi" else {value}
        return sources.pop() if len(sources) == 1 else value

    def _guards(self, name: str) -> set[str]:
        """Values that decide whether a block is reached at all."""
        back = {n: self.before[n] if n != self.header else [] for n in self.blocks}
        values: set[str] = set()
        for n in self.function.reachable(self.before[name], back, set()):
            if len(set(self.function.blocks[n].after) & self.blocks) > 1:
                values.update(self.function.blocks[n].instructions[-1].operands[:1])
        return values


def longest_mean(paths: dict[tuple[str, str], float]) -> tuple[float, list[str]]:
    """The largest mean delay over all cycles of registers, and such a cycle (Karp 1978)."""
    registers = sorted({r for pair in paths for r in pair})
    n = len(registers)
    walks: list[dict[str, tuple[float, str]]] = [dict.fromkeys(registers, (0.0, ""))]
    for _ in range(n):
        step: dict[str, tuple[float, str]] = {}
        for (source, target), delay in paths.items():
            if source in walks[-1]:
                time = walks[-1][source][0] + delay
                if target not in step or time > step[target][0]:
                    step[target] = (time, source)
        walks.append(step)
    best, where = 0.0, ""
    for r, (time, _) in walks[n].items():
        mean = min((time - walks[k][r][0]) / (n - k) for k in range(n) if r in walks[k])
        if mean > best:
            best, where = mean, r
    cycle = []
    for k in range(n, 0, -1):
        if not where:
            break
        cycle.append(where)
        where = walks[k][where][1]
        if where in cycle:
            cycle = cycle[cycle.index(where) :]
            break
    return best, cycle[::-1]


def loop_carried(text: str, memories: dict[str, int]) -> dict[str, tuple[float, list[str]]]:
    """Function -> (delay of its longest loop-carried path, the registers on it)."""
    result: dict[str, tuple[float, list[str]]] = {}
    for function in functions(text):
        for header in function.headers():
            found = longest_mean(Iteration(function, header, memories).paths())
            if function.name not in result or found > result[function.name]:
                result[function.name] = found
    return result
