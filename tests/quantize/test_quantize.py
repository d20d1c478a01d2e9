"""Quantization: every result obeys the design's integer arithmetic and means what the float network does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fused_networks import NORMAL, check_rules, float_logits, quantized, random_network, short_searches  # noqa: F401, the fixture
from hypothesis import given, settings
from hypothesis import strategies as st

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import (
    MAX_SHIFT,
    MULTIPLIER_BITS,
    IntegerConv,
    IntegerLinear,
    IntegerNetwork,
)
from repvgg_hw.quantize import (
    METHODS,
    grid,
    layers,
    quantize,
)


def layers_of(network: IntegerNetwork) -> tuple[IntegerConv | IntegerLinear, ...]:
    assert network.linear is not None
    return (*network.convs, network.linear)


def same(a: IntegerNetwork, b: IntegerNetwork) -> bool:
    pairs = zip(layers_of(a), layers_of(b), strict=True)
    return all(np.array_equal(x.weight, y.weight) and np.array_equal(x.bias, y.bias) for x, y in pairs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("groups", [1, 2])
def test_integer_logits_follow_the_float_network(method: str, groups: int) -> None:
    network, pixels = random_network(groups=groups), synthetic(32, (3, 16, 20))
    integer = quantized(network, pixels, method)
    check_rules(integer)
    got = golden.forward(golden.quantize_input(pixels, integer), integer) * integer.output_scale
    expected = float_logits(network, pixels)
    noise = ((got - expected) ** 2).mean() / expected.var()
    assert noise < (0.05 if method == "naive" else 0.01)


def test_torch_and_golden_agree_exactly() -> None:
    network, pixels = random_network(3, groups=2), synthetic(5, (3, 15, 13))
    integer = quantized(network, pixels)
    x = golden.quantize_input(pixels, integer)
    t = torch.from_numpy(x.copy())
    for conv, (_, expected) in zip(integer.convs, golden.trace(x, integer), strict=False):
        t = layers.integer_conv(t, conv)
        assert np.array_equal(t.numpy(), expected)
    assert np.array_equal(layers.integer_head(t, integer.linear).numpy(), golden.forward(x, integer))


def test_wide_accumulators_take_the_exact_path() -> None:
    """Partial sums beyond 2**24 would round in float32."""
    integer = quantized(random_network(), synthetic(2, (3, 8, 8)))
    conv = integer.convs[1]
    wide = replace(conv, weight=np.full((12, 2000, 3, 3), 127, np.int8), multiplier=conv.multiplier * 0 + 1)
    x = np.full((1, 2000, 4, 4), 255, np.uint8)
    x[0, 0, 0, 0] = 254
    wide = replace(wide, shift=22)
    assert wide.accumulator_bound > 1 << 24
    assert np.array_equal(layers.integer_conv(torch.from_numpy(x), wide).numpy(), golden.conv_layer(x, wide))


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_images_does_not_matter(method: str) -> None:
    network, pixels = random_network(1), synthetic(24, (3, 12, 12))
    shuffled = pixels[np.random.default_rng(0).permutation(24)]
    assert same(quantized(network, pixels, method), quantized(network, shuffled, method))


@pytest.mark.parametrize("method", METHODS)
def test_degenerate_channels_and_layers(method: str) -> None:
    """All-zero weights, a bias that dwarfs the weights, a channel and a layer that are never active."""
    network = random_network(2)
    first, second, *rest = network.convs
    weight, bias = first.weight.copy(), first.bias.copy()
    weight[0], bias[0] = 0, 0
    weight[1], bias[1] = 0, 0.7
    weight[2], bias[2] = 1e-12, 1.5
    weight[3], bias[3] = weight[3] * 1e-9, -1e6
    odd = replace(network, convs=(replace(first, weight=weight, bias=bias), second, *rest))
    pixels = synthetic(16, (3, 12, 12))
    integer = quantized(odd, pixels, method)
    check_rules(integer)
    y = golden.conv_layer(golden.quantize_input(pixels, integer), integer.convs[0])
    constant = y[:, 1].astype(int)
    assert constant.min() == constant.max() > 0
    if not METHODS[method].equalize:  # which scales channels apart
        assert abs(constant.max() / y[:, 2].max() - 0.7 / 1.5) < 0.02
    assert not y[:, [0, 3]].any()
    dead = replace(network, convs=(replace(first, bias=first.bias - 1e3), second, *rest))
    check_rules(quantized(dead, pixels, method))
    assert network.linear is not None
    silent = replace(network, linear=replace(network.linear, weight=network.linear.weight * 0))
    check_rules(quantized(silent, pixels, method))


@settings(max_examples=60)
@given(
    scale=st.lists(st.floats(1e-12, 1e3), min_size=1, max_size=6),
    bias=st.floats(-1e4, 1e4),
    in_scale=st.floats(1e-6, 1e2),
    out_scale=st.floats(1e-6, 1e2),
)
def test_fit_grid(scale: list[float], bias: float, in_scale: float, out_scale: float) -> None:
    """The constants fit, and the grid they give is exactly the scale that is reported."""
    wanted = np.array(scale)
    fitted = grid.fit_grid(wanted, np.full(len(scale), bias), in_scale, out_scale)
    assert 1 <= fitted.shift <= MAX_SHIFT
    assert fitted.multiplier.min() >= 1
    assert fitted.multiplier.max() < 1 << MULTIPLIER_BITS
    realised = in_scale * fitted.weight_scale / out_scale
    assert np.allclose(realised, fitted.multiplier / 2.0**fitted.shift, rtol=1e-12)
    again = grid.fit_grid(fitted.weight_scale, np.zeros(len(scale)), in_scale, out_scale)
    if fitted.shift > 1:
        assert np.allclose(again.weight_scale, fitted.weight_scale, rtol=1e-12, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_huge_tap_behind_a_dead_channel(method: str) -> None:
    """It changes no float output, and no integer where dead inputs are zeroed."""
    network, pixels = random_network(3), synthetic(24, (3, 12, 12))
    first, second, *rest = network.convs
    weight, bias = first.weight.copy(), first.bias.copy()
    weight[2], bias[2] = 0.0, -1.0
    silenced = replace(network, convs=(replace(first, weight=weight, bias=bias), second, *rest))
    huge = second.weight.copy()
    huge[2, 2, 1, 1] = 1500.0
    planted = replace(silenced, convs=(silenced.convs[0], replace(second, weight=huge), *rest))
    assert np.array_equal(float_logits(silenced, pixels), float_logits(planted, pixels))
    assert (
        same(quantized(silenced, pixels, method), quantized(planted, pixels, method))
        == METHODS[method].zero_dead
    )


@pytest.mark.parametrize("groups", [1, 2])
def test_products_in_float32_are_exact_at_their_bound(groups: int) -> None:
    """Weights of both signs count once: the largest sums of either sign stay below 2**24."""
    integer = quantized(random_network(groups=groups), synthetic(2, (3, 8, 8)))
    conv = integer.convs[1]
    weight = np.full((12, 800 // groups, 3, 3), 10, np.int8)
    weight[:, 1::2] = -9
    bound = max((weight.clip(min=0).astype(int)).sum(axis=(1, 2, 3))) * 256
    assert bound < 1 << 24 < 256 * abs(weight.astype(int)).sum(axis=(1, 2, 3)).max() * groups
    wide = replace(conv, weight=weight, multiplier=conv.multiplier * 0 + 1, shift=14, groups=groups)
    x = np.random.default_rng(0).integers(0, 256, (2, 800, 4, 4)).astype(np.uint8)
    x[0, ::2], x[0, 1::2] = 255, 0
    assert np.array_equal(layers.integer_conv(torch.from_numpy(x), wide).numpy(), golden.conv_layer(x, wide))


def test_logits_of_a_large_map_fit_int32() -> None:
    """At 24x24 before the pool an 8-bit linear layer could overflow: its scale gives way."""
    rng = np.random.default_rng(0)
    weight = np.sign(rng.standard_normal((4, 2048))) * 0.5
    max_sum = 255 * 24 * 24
    scale = grid.linear_scale(weight, np.zeros(4), 1e-4, max_sum, 8)
    integers = grid.to_integers(weight, np.full(4, scale), 8)
    layer = grid.integer_linear(integers, np.zeros(4), scale * 1e-4, 8)
    assert grid.logit_bound(layer, max_sum) < 1 << 31
    assert abs(integers).max() >= 6  # 7 x 2048 x max_sum would still fit
    with pytest.raises(InputError, match="smaller input size"):
        grid.linear_scale(weight, np.zeros(4), 1e-4, 255 * 100 * 100, 8)


def test_bad_input() -> None:
    network, pixels = random_network(), synthetic(2, (3, 8, 8))
    with pytest.raises(InputError, match="choose from naive"):
        quantized(network, pixels, "best")
    with pytest.raises(InputError, match="at least one calibration image"):
        quantized(network, pixels[:0])
    with pytest.raises(InputError, match="1 channels"):
        quantized(network, pixels[..., :1])
    with pytest.raises(InputError, match="uint8"):
        quantized(network, pixels.astype(np.float32))
    with pytest.raises(InputError, match="already 1x1"):
        quantized(network, pixels[:, :2, :2])
    with pytest.raises(InputError, match="4 to 8"):
        quantized(network, pixels, weights=9)
    broken = network.convs[1].weight.copy()
    broken[0, 0, 0, 0] = np.nan
    convs = (network.convs[0], replace(network.convs[1], weight=broken), *network.convs[2:])
    with pytest.raises(InputError, match="layer1: weights or biases are not finite"):
        quantized(replace(network, convs=convs), pixels)


def test_progress_never_goes_back_and_ends_at_the_end() -> None:
    """A search over the whole chain counts as many steps as layers: it takes as long."""
    network, pixels = random_network(), synthetic(8, (3, 16, 16))
    told: list[tuple[int, int, str]] = []
    quantize(network, pixels, method="gptq", progress=lambda *step: told.append(step), **NORMAL)
    done = [step[0] for step in told]
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1]
    searching = [step for step in told if step[2].startswith("activation ranges, block")]
    assert len({step[0] for step in searching}) > 1
    ends = [step for step in told if step[2] == "activation ranges"]
    assert ends[0][0] * 2 == ends[0][1]
