"""An instruction's bytes: there and back, and the same bits in the hardware's package."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine import codes
from repvgg_hw.plan.engine.instruction import BYTES, FIELDS, Instruction, Op
from repvgg_hw.targets.verilog.emit import library

VALUES = {
    name: st.integers(-(1 << f.bits - 1), (1 << f.bits - 1) - 1)
    if f.signed
    else st.integers(0, (1 << f.bits) - 1)
    for name, f in FIELDS.items()
}


@given(st.builds(Instruction, **{**VALUES, "op": st.sampled_from(list(map(int, Op)))}))
def test_there_and_back(instruction: Instruction) -> None:
    data = instruction.pack()
    assert len(data) == BYTES
    assert Instruction.unpack(data) == instruction


def test_bytes_by_hand() -> None:
    """Words are little-endian, word 0 first."""
    data = Instruction(
        op=1, shift=17, out_max=255, depends=3, load_addr=0x01020304, x_first=-1, x_limit=7
    ).pack()
    assert data[0:4].hex() == "010011ff"
    assert data[4:8].hex() == "03000000"
    assert data[8:12].hex() == "04030201"
    assert data[28:32].hex() == "ffff0700"


def test_fields_are_the_dataclass_and_do_not_overlap() -> None:
    assert list(FIELDS) == [field.name for field in fields(Instruction)]
    bits = [bit for f in FIELDS.values() for bit in range(f.low, f.low + f.bits)]
    assert len(bits) == len(set(bits))
    assert max(bits) < 8 * BYTES
    assert all(f.low // 32 == (f.low + f.bits - 1) // 32 for f in FIELDS.values())


@pytest.mark.parametrize(("name", "value"), [("tiles", 256), ("x_first", -32769), ("load_addr", -1)])
def test_what_does_not_fit_is_refused(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name} = {value} does not fit"):
        Instruction(**{"op": 1, name: value}).pack()


def test_foreign_bytes_are_refused() -> None:
    good = Instruction(op=1).pack()
    for data, message in (
        (good[:-1], "127 bytes"),
        (b"\x07" + good[1:], "operation 7"),
        (good[:-1] + b"\1", "no field"),
    ):
        with pytest.raises(InputError, match=message):
            Instruction.unpack(data)


def test_the_package_is_equal() -> None:
    text = library()["rvg_engine_pkg"].read_text()
    found = {
        name: int(value, 16 if base == "h" else 10)
        for name, base, value in re.findall(
            r"localparam (?:int|logic \[\d+:0\]) (\w+) *= *(?:\d+'([hd]))?(\w+);", text
        )
    }
    expected = {"INSTRUCTION_W": 8 * BYTES, "VERSION": codes.VERSION}
    expected["MAGIC"] = int.from_bytes(codes.MAGIC, "little")
    expected |= {name.upper(): f.low for name, f in FIELDS.items()}
    expected |= {f"{name.upper()}_W": f.bits for name, f in FIELDS.items()}
    expected |= {f"OP_{op.name}": int(op) for op in Op}
    expected |= {f"HEADER_{name.upper()}": low for name, low in codes.HEADER.items()}
    expected |= {f"FETCH_{name.upper()}": code for name, code in codes.FETCH.items()}
    expected |= {f"ERROR_{name.upper()}": code for name, (code, _) in codes.ERRORS.items()}
    assert found == expected
