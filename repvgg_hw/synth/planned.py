"""Multiplier cells that the plan's units take on a family: what synthesis is held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan import parts
from repvgg_hw.targets.verilog.netlist import Unit

LOW_BITS = 17  # of an operand that is split: an unsigned half in a signed port of 18 bits


def cells_of_product(a_bits: int, b_bits: int, ports: tuple[int, int]) -> int:
    """Cells of one product of signed operands, as templates/verilog/cells/ makes it; 0: LUTs or inference."""
    wide, narrow = max(a_bits, b_bits), min(a_bits, b_bits)
    if narrow > min(ports) or wide > LOW_BITS + max(ports):
        return 0
    return 1 if wide <= max(ports) else 2


def dsp(unit: Unit, family: parts.Family) -> int:
    """Multiplier cells of one unit of the block diagram, requantization included."""
    p: Mapping[str, Any] = unit.parameters
    ports = family.dsp_ports
    if unit.module == "rvg_conv3x3":
        products, operands, lanes = (
            9 * p["PI"] * p["PO"],
            (p["X_W"] + (not p["X_SIGNED"]), p["W_W"]),
            p["OUT_LANES"],
        )
    elif unit.module == "rvg_conv3x3_winograd":
        size = p["M"] + 2 if p["STRIDE"] == 1 else 2 * p["M"] + 1
        products, operands, lanes = size**2 * p["PI"] * p["PO"], (p["DATA_W"], p["W_W"]), p["LANES"] * p["M"]
    elif unit.module == "rvg_linear":
        products, operands, lanes = p["PI"] * p["PO"], (p["X_W"] + 1, p["W_W"]), 0
    else:
        return 0
    requantization: int = lanes * cells_of_product(p["ACC_W"], MULTIPLIER_BITS + 1, ports)
    return int(products) * cells_of_product(*operands, ports) + requantization
