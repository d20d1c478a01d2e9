"""The registers' description is whole, and the hardware's package has its numbers."""

from __future__ import annotations

import re
from itertools import pairwise

from repvgg_hw.plan.engine.registers import REGISTERS
from repvgg_hw.plan.registers import Access
from repvgg_hw.targets.verilog.emit import library


def numbers(text: str) -> dict[str, int]:
    """A package's integer constants."""
    found = re.findall(r"localparam int (\w+) *= ('h)?([0-9a-f]+);", text)
    return {name: int(value, 16 if hexadecimal else 10) for name, hexadecimal, value in found}


def described() -> dict[str, int]:
    """The same, from the description."""
    wanted = {register.name: register.offset for register in REGISTERS}
    for register in REGISTERS:
        for field in register.fields:
            wanted[f"{register.name}_{field.name}"] = field.low
            wanted[f"{register.name}_{field.name}_W"] = field.bits
    return wanted


def test_package_equals_description() -> None:
    text = library()["rvg_engine_registers_pkg"].read_text()
    assert numbers(text) == described()
    assert numbers(text.replace("'h1c", "'h20")) != described()  # the comparison can fail


def test_registers_are_words_one_after_another() -> None:
    assert [register.offset for register in REGISTERS] == list(range(0, 4 * len(REGISTERS), 4))
    assert len({register.name for register in REGISTERS}) == len(REGISTERS)


def test_fields_do_not_overlap() -> None:
    for register in REGISTERS:
        fields = sorted(register.fields, key=lambda field: field.low)
        for one, other in pairwise(fields):
            assert one.low + one.bits <= other.low, register.name
        assert all(field.low + field.bits <= 32 for field in fields)


def test_what_a_run_is_started_with_is_locked() -> None:
    """The hardware tells them by their place: one block of registers."""
    locked = [register.offset for register in REGISTERS if register.locked]
    assert locked == list(range(locked[0], locked[-1] + 4, 4))
    assert all(register.access == Access.WRITE for register in REGISTERS if register.locked)
    assert len(locked) == 8
