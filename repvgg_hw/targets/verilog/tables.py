"""The constant tables of the accelerator, in the order and the format in which the hardware reads them.

A table is a 2-D array of lanes, one row per ROM word, lane 0 in the low bits. `to_hex` prints it as
`$readmemh` expects it.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import MULTIPLIER_BITS, IntegerConv, IntegerLinear, IntegerNetwork
from repvgg_hw.plan.rom_banks import banks
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import Plan

SHIFT_BITS = 6


def conv_affine(conv: IntegerConv, plan: AnyConvPlan) -> NDArray[np.int64]:
    """Rows of `affine_lanes` channels; each lane {multiplier, bias}, bias in the low acc_bits."""
    bias = conv.bias.astype(np.int64) & ((1 << plan.acc_bits) - 1)
    return (conv.multiplier.astype(np.int64) << plan.acc_bits | bias).reshape(-1, plan.affine_lanes)


def conv_weights(conv: IntegerConv, plan: AnyConvPlan) -> NDArray[np.int64]:
    """Rows in order of use, as `weight_words`; as rvg_pair_accumulate.sv wants them where outputs are paired.

    Its operand has the weight of the first output of a pair in its low bits. Where that is negative, its sign
    takes 1 from the weight above, so that is what the table has of the second output.
    """
    words = plan.weight_words(conv.weight)
    if not plan.pairs:
        return words
    of_outputs = words.reshape(len(words), plan.po, -1)
    second = of_outputs[:, 1::2]
    second -= of_outputs[:, 0 : 2 * second.shape[1] : 2] < 0
    return of_outputs.reshape(words.shape)


def linear_weights(linear: IntegerLinear, plan: LinearPlan) -> NDArray[np.int64]:
    """Rows in order of use (PO outputs, PI inputs); lanes (output, input)."""
    folded = linear.weight.reshape(plan.repeats, plan.po, plan.words, plan.pi)
    rows: NDArray[np.int64] = (
        folded.transpose(0, 2, 1, 3).reshape(plan.repeats * plan.words, -1).astype(np.int64)
    )
    return rows


def to_hex(lanes: NDArray[np.int64], bits: int) -> str:
    """Lanes (words, n), each cut to `bits` in two's complement -> one hexadecimal line per word."""
    words, n = lanes.shape
    total = n * bits
    digits = -(-total // 4)
    lines = []
    # A few thousand lanes at a time: one bit per byte in between, so memory stays small.
    rows = max(1, (1 << 22) // max(1, total))
    for start in range(0, words, rows):
        block = np.ascontiguousarray(lanes[start : start + rows], dtype="<i8")
        single = np.unpackbits(block.view(np.uint8), axis=1, bitorder="little")
        flat = single.reshape(len(block), n, 64)[:, :, :bits].reshape(len(block), total)
        packed = np.packbits(flat, axis=1, bitorder="little")[:, ::-1]
        for row in packed:
            lines.append(row.tobytes().hex()[-digits:])
    return "\n".join(lines) + "\n"


def bank_suffix(index: int, count: int) -> str:
    """What a bank's file and instance are called beside the table's name; nothing for the only one."""
    return f"_{index}" if count > 1 else ""


def _banked(name: str, lanes: NDArray[np.int64], bits: int) -> dict[str, str]:
    runs = banks(lanes.shape[1], bits)
    return {
        f"{name}{bank_suffix(i, len(runs))}.mem": to_hex(lanes[:, first:end], bits)
        for i, (first, end) in enumerate(runs)
    }


def layer_of(file: str) -> str:
    """The identifier of the layer that a table's file belongs to."""
    return re.sub(r"_[a-z]+(_\d+)?\.mem$", "", file)


def memory_files(network: IntegerNetwork, plan: Plan) -> dict[str, str]:
    """Every table's file name -> its contents. A layer's files begin with its identifier.

    A table whose words are wider than a bank has a file for each bank: NAME_0.mem holds the lowest lanes.
    """
    files: dict[str, str] = {}
    for conv, layer in zip(network.convs, plan.convs, strict=True):
        files |= _banked(f"{layer.ident}_weights", conv_weights(conv, layer), layer.weight_lane_bits)
        files |= _banked(f"{layer.ident}_affine", conv_affine(conv, layer), layer.acc_bits + MULTIPLIER_BITS)
        files[f"{layer.ident}_shift.mem"] = to_hex(np.array([[conv.shift]]), SHIFT_BITS)
    if network.linear is not None and (linear := plan.linear) is not None:
        files |= _banked("linear_weights", linear_weights(network.linear, linear), linear.weight_bits)
        bias = network.linear.bias.astype(np.int64).reshape(-1, linear.out_lanes)
        files |= _banked("linear_bias", bias, linear.acc_bits)
    return files
