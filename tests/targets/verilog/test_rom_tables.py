"""Tables read back as the hardware reads them give the network's numbers again."""

from __future__ import annotations

import numpy as np
import pytest
from hls_networks import Layer, random_network
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.targets.verilog import tables
from repvgg_hw.targets.verilog.netlist import Unit, build

NETWORK, PLAN = random_network(
    [Layer(6, pi=3, po=2), Layer(8, groups=2, pi=1, po=4), Layer(4, pi=4, po=2)], linear=(2, 5), seed=9
)


def lanes(text: str, bits: int, count: int) -> list[list[int]]:
    """The words of a file as signed lanes."""
    return [
        [(v := int(line, 16) >> bits * i & ((1 << bits) - 1)) - (v >> bits - 1 << bits) for i in range(count)]
        for line in text.split()
    ]


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 5), st.integers(0, 1 << 16))
def test_hex_reads_back(bits: int, words: int, count: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(-(1 << bits - 1), 1 << bits - 1, (words, count))
    text = tables.to_hex(values, bits)
    assert lanes(text, bits, count) == values.tolist()
    assert {len(line) for line in text.split()} == {-(-bits * count // 4)}


def test_weights_are_in_the_order_of_use() -> None:
    files = tables.memory_files(NETWORK, PLAN)
    for conv, plan in zip(NETWORK.convs, PLAN.convs, strict=True):
        words = iter(lanes(files[f"{plan.ident}_weights.mem"], 8, plan.po * 9 * plan.pi))
        in_group, out_group = plan.c_in // plan.groups, plan.c_out // plan.groups
        for group in range(plan.groups):
            for first_out in range(group * out_group, (group + 1) * out_group, plan.po):
                for first_in in range(0, in_group, plan.pi):
                    word = iter(next(words))
                    for o in range(first_out, first_out + plan.po):
                        for ky in range(3):
                            for kx in range(3):
                                for i in range(first_in, first_in + plan.pi):
                                    assert next(word) == conv.weight[o, i, ky, kx]
        assert next(words, None) is None


def test_biases_multipliers_and_shifts() -> None:
    files = tables.memory_files(NETWORK, PLAN)
    for conv, plan in zip(NETWORK.convs, PLAN.convs, strict=True):
        bits = plan.acc_bits + MULTIPLIER_BITS
        words = lanes(files[f"{plan.ident}_affine.mem"], bits, plan.out_lanes)
        flat = [lane for word in words for lane in word]
        biases = [(lane & (1 << plan.acc_bits) - 1) for lane in flat]
        assert [b - (b >> plan.acc_bits - 1 << plan.acc_bits) for b in biases] == conv.bias.tolist()
        multipliers = [lane >> plan.acc_bits & (1 << MULTIPLIER_BITS) - 1 for lane in flat]
        assert multipliers == conv.multiplier.tolist()
        assert int(files[f"{plan.ident}_shift.mem"], 16) == conv.shift


def test_linear_tables() -> None:
    files, plan, linear = tables.memory_files(NETWORK, PLAN), PLAN.linear, NETWORK.linear
    assert plan is not None
    assert linear is not None
    words = lanes(files["linear_weights.mem"], 8, plan.po * plan.pi)
    want = linear.weight.reshape(plan.repeats, plan.po, plan.words, plan.pi).transpose(0, 2, 1, 3)
    assert words == want.reshape(len(words), -1).tolist()
    flat = [v for word in lanes(files["linear_bias.mem"], 32, plan.out_lanes) for v in word]
    assert flat == linear.bias.tolist()


@pytest.mark.parametrize(
    "unit", [unit for unit in build(PLAN).units if unit.tables], ids=lambda unit: unit.ident
)
def test_files_have_the_shape_of_their_rom(unit: Unit) -> None:
    files = tables.memory_files(NETWORK, PLAN)
    for table in unit.tables:
        assert sum(bank.width for bank in table.banks) == table.width
        for bank in table.banks:
            words = files[bank.file.removeprefix("mem/")].split()
            assert len(words) == table.depth
            assert all(int(word, 16) < 1 << bank.width for word in words)


def test_wide_words_are_spread_over_banks() -> None:
    """Put together as the top does it, the banks give the table again."""
    network, plan = random_network([Layer(8, pi=3, po=4), Layer(16, pi=8, po=2)], linear=(2, 5), seed=3)
    files = tables.memory_files(network, plan)
    table = next(t for unit in build(plan).units if unit.ident == plan.convs[1].ident for t in unit.tables)
    assert [(bank.low, bank.width) for bank in table.banks] == [(0, 576), (576, 576)]
    columns = [files[bank.file.removeprefix("mem/")].split() for bank in table.banks]
    words = [
        sum(int(part, 16) << bank.low for part, bank in zip(parts, table.banks, strict=True))
        for parts in zip(*columns, strict=True)
    ]
    flat = plan.convs[1].weight_words(network.convs[1].weight)
    assert [f"{word:x}" for word in words] == [
        line.lstrip("0") for line in tables.to_hex(flat, 8).splitlines()
    ]
    for bank in table.banks:
        assert tables.layer_of(bank.file.removeprefix("mem/")) == plan.convs[1].ident
