"""golden.py against the definition in plain Python loops, and against torch."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hls_networks import Layer, random_network
from hypothesis import given, settings
from hypothesis import strategies as st

from repvgg_hw import golden
from repvgg_hw.network import IntegerLinear, out_size


def conv_by_loops(x: np.ndarray, weight: np.ndarray, stride: int, groups: int) -> list[list[list[list[int]]]]:
    """The definition, one product at a time, in Python's unbounded integers."""
    n, _, height, width = x.shape
    c_out, c_in_g = weight.shape[:2]

    def tap(image: int, channel: int, row: int, column: int) -> int:
        row, column = row - 1, column - 1  # padding 1
        inside = 0 <= row < height and 0 <= column < width
        return int(x[image, channel, row, column]) if inside else 0

    return [
        [
            [
                [
                    sum(
                        int(weight[o, i, ky, kx])
                        * tap(image, o // (c_out // groups) * c_in_g + i, r * stride + ky, c * stride + kx)
                        for i in range(c_in_g)
                        for ky in range(3)
                        for kx in range(3)
                    )
                    for c in range(out_size(width, stride))
                ]
                for r in range(out_size(height, stride))
            ]
            for o in range(c_out)
        ]
        for image in range(n)
    ]  # fmt: skip


convolutions = st.fixed_dictionaries(
    {
        "groups": st.sampled_from([1, 2, 3]),
        "c_in_g": st.integers(1, 3),
        "c_out_g": st.integers(1, 3),
        "height": st.integers(1, 6),
        "width": st.integers(1, 6),
        "stride": st.sampled_from([1, 2]),
        "seed": st.integers(0, 1 << 16),
    }
)


def sample(case: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Extreme values are as likely as those between."""
    rng = np.random.default_rng(case["seed"])
    x = rng.integers(-200, 400, (2, case["groups"] * case["c_in_g"], case["height"], case["width"])).clip(
        0, 255
    )
    weight = rng.integers(-300, 300, (case["groups"] * case["c_out_g"], case["c_in_g"], 3, 3)).clip(-127, 127)
    return x, weight.astype(np.int8)


@settings(max_examples=40)
@given(convolutions)
def test_convolution_equals_its_definition(case: dict[str, int]) -> None:
    x, weight = sample(case)
    got = golden.conv3x3(x, weight, case["stride"], case["groups"])
    assert got.tolist() == conv_by_loops(x, weight, case["stride"], case["groups"])


@settings(max_examples=40)
@given(convolutions)
def test_convolution_equals_torch(case: dict[str, int]) -> None:
    x, weight = sample(case)
    got = golden.conv3x3(x, weight, case["stride"], case["groups"])
    want = torch.nn.functional.conv2d(
        torch.tensor(x, dtype=torch.float64), torch.tensor(weight, dtype=torch.float64),
        stride=case["stride"], padding=1, groups=case["groups"],
    )  # fmt: skip
    assert (got == want.numpy()).all()


def test_convolution_refuses_what_float64_cannot_hold() -> None:
    with pytest.raises(OverflowError, match="not exact"):
        golden.conv3x3(np.full((1, 1, 1, 1), 1 << 50), np.full((1, 1, 3, 3), 127))
    one_channel = np.stack([np.zeros((1, 3, 3), int), np.full((1, 3, 3), -127)])
    with pytest.raises(OverflowError, match="not exact"):
        golden.conv3x3(np.array([[[[0, -(1 << 50)]]]]), one_channel)


@given(
    st.integers(-(1 << 31), 1 << 31),
    st.integers(0, (1 << 17) - 1),
    st.integers(1, 40),
    st.sampled_from([4, 8]),
)
def test_requantize_equals_its_definition(acc: int, multiplier: int, shift: int, bits: int) -> None:
    got = golden.requantize_relu(np.array([[[acc]]]), np.array([multiplier]), shift, bits)
    want = min(max((acc * multiplier + 2 ** (shift - 1)) // 2**shift, 0), 2**bits - 1)
    assert got.item() == want


@pytest.mark.parametrize(
    ("acc", "result"), [(1, 1), (3, 2), (5, 3), (-1, 0), (-3, 0), (509, 255), (511, 255)]
)
def test_ties_go_up(acc: int, result: int) -> None:
    assert golden.requantize_relu(np.array([[[acc]]]), np.array([1]), 1).item() == result


def test_pool_and_linear_are_exact() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (2, 5, 3, 4))
    sums = golden.global_sum(x)
    assert sums.tolist() == [[int(sum(map(int, c.flat))) for c in image] for image in x]
    layer = IntegerLinear(
        rng.integers(-127, 128, (4, 5)).astype(np.int8), rng.integers(-9, 9, 4).astype(np.int32)
    )
    assert (golden.linear(sums, layer) == sums @ layer.weight.T.astype(int) + layer.bias).all()


def test_logits_are_the_last_of_the_trace() -> None:
    network, _ = random_network([Layer(4, stride=2), Layer(6)], in_shape=(3, 7, 6))
    x = np.random.default_rng(1).integers(-128, 128, (3, 3, 7, 6)).astype(np.int8)
    traced = dict(golden.trace(x, network))
    assert list(traced) == [*(conv.name for conv in network.convs), "pool", "linear"]
    assert (golden.forward(x, network) == traced["linear"]).all()


def test_input_rounds_half_to_even_and_clips() -> None:
    network, _ = random_network([Layer(2)], in_shape=(3, 1, 1))
    pixels = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1).repeat(3, axis=3)
    x = golden.quantize_input(pixels, network)
    assert x.shape == (256, 3, 1, 1)
    for channel, (mean, std) in enumerate(zip(network.mean, network.std, strict=True)):
        want = [
            max(-128, min(127, round((float(p) / 255 - mean) / std / network.input_scale)))
            for p in range(256)
        ]
        assert x[:, channel, 0, 0].tolist() == want


def test_the_lowest_index_wins_among_equals() -> None:
    assert golden.top1(np.array([[3, 7, 7], [5, 5, 5], [-1, -2, 0]])).tolist() == [1, 0, 2]


def test_the_input_table_is_the_definition_in_fractions() -> None:
    """Every value of every channel, from (pixel / 255 - mean) / std / scale without rounding."""
    network, _ = random_network([Layer(4)], in_shape=(3, 4, 4), classes=2, seed=0)
    mean, std, scale = (0.5, 0.485, 0.0), (0.25, 0.229, 1.0), 1 / 64
    network = dataclasses.replace(network, mean=mean, std=std, input_scale=scale)
    table = golden.input_table(network)
    assert table.shape == (3, 256)
    assert table.dtype == np.int8
    for channel, value in itertools.product(range(3), range(256)):
        exact = (Fraction(value, 255) - Fraction(mean[channel])) / Fraction(std[channel]) / Fraction(scale)
        assert table[channel, value] == max(-128, min(127, round(exact)))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    looked_up = table[np.arange(3), pixels].transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(looked_up, golden.quantize_input(pixels, network))


def test_top_k_is_sorted_by_value_then_by_index() -> None:
    logits = np.random.default_rng(1).integers(-3, 4, (50, 9))
    logits[0] = -(2**31)
    for k in (1, 3, 9):
        expected = [[c for _, c in sorted((-int(x), c) for c, x in enumerate(row))][:k] for row in logits]
        assert golden.top_k(logits, k).tolist() == expected
    np.testing.assert_array_equal(golden.top_k(logits, 9)[:, 0], golden.top1(logits))
