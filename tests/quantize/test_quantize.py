"""Quantization: every result obeys the design's integer arithmetic and means what the float network does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fused_networks import random_network, short_searches  # noqa: F401, the fixture
from hypothesis import given, settings
from hypothesis import strategies as st

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.model.images import normalise, synthetic
from repvgg_hw.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MULTIPLIER_BITS,
    FusedConv,
    FusedNetwork,
    IntegerNetwork,
)
from repvgg_hw.quantize import (
    METHODS,
    Widths,
    balance,
    clipping,
    grid,
    joint,
    layers,
    quantize,
    weight_scales,
)
from repvgg_hw.quantize.channels import ChannelStats


def float_logits(network: FusedNetwork, pixels: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(normalise(pixels, IMAGENET_MEAN, IMAGENET_STD))
    for c in network.convs:
        w, b = torch.from_numpy(c.weight), torch.from_numpy(c.bias)
        x = torch.relu(torch.nn.functional.conv2d(x, w, b, c.stride, 1, 1, c.groups))
    return x.mean(dim=(2, 3)).numpy() @ network.linear_weight.T + network.linear_bias


def run(network: FusedNetwork, pixels: np.ndarray, method: str = "minmax", **widths: int) -> IntegerNetwork:
    return quantize(
        network, pixels, mean=IMAGENET_MEAN, std=IMAGENET_STD, method=method, widths=Widths(**widths)
    )


def check_rules(network: IntegerNetwork) -> None:
    """Everything that the hardware relies on."""
    signed = True
    for conv in network.convs:
        limit = (1 << (conv.weight_bits - 1)) - 1
        assert conv.weight.dtype == np.int8
        assert abs(conv.weight.astype(int)).max() <= limit
        assert conv.bias.dtype == np.int32
        assert conv.multiplier.dtype == np.int32
        assert conv.multiplier.min() >= 1
        assert conv.multiplier.max() < 1 << MULTIPLIER_BITS
        assert 1 <= conv.shift <= grid.MAX_SHIFT
        assert conv.accumulator_bound < 1 << 31
        assert conv.in_signed is signed
        signed = False
    last = list(network.map_shapes())[-1][2]
    assert grid.logit_bound(network.linear, 255 * last[0] * last[1]) < 1 << 31


def same(a: IntegerNetwork, b: IntegerNetwork) -> bool:
    pairs = [*zip(a.convs, b.convs, strict=True), (a.linear, b.linear)]
    return all(np.array_equal(x.weight, y.weight) and np.array_equal(x.bias, y.bias) for x, y in pairs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("groups", [1, 2])
def test_integer_logits_follow_the_float_network(method: str, groups: int) -> None:
    network, pixels = random_network(groups=groups), synthetic(32, (3, 16, 20))
    integer = run(network, pixels, method)
    check_rules(integer)
    got = golden.logits(golden.quantize_input(pixels, integer), integer) * integer.logit_scale
    expected = float_logits(network, pixels)
    noise = ((got - expected) ** 2).mean() / expected.var()
    assert noise < (0.05 if method == "naive" else 0.01)


def test_torch_and_golden_agree_exactly() -> None:
    network, pixels = random_network(3, groups=2), synthetic(5, (3, 15, 13))
    integer = run(network, pixels)
    x = golden.quantize_input(pixels, integer)
    t = torch.from_numpy(x.copy())
    for conv, (_, expected) in zip(integer.convs, golden.trace(x, integer), strict=False):
        t = layers.integer_conv(t, conv)
        assert np.array_equal(t.numpy(), expected)
    assert np.array_equal(layers.integer_logits(t, integer.linear).numpy(), golden.logits(x, integer))


def test_wide_accumulators_take_the_exact_path() -> None:
    """Partial sums beyond 2**24 would round in float32."""
    integer = run(random_network(), synthetic(2, (3, 8, 8)))
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
    assert same(run(network, pixels, method), run(network, shuffled, method))


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
    integer = run(odd, pixels, method)
    check_rules(integer)
    y = golden.conv_layer(golden.quantize_input(pixels, integer), integer.convs[0])
    constant = y[:, 1].astype(int)
    assert constant.min() == constant.max() > 0
    if not METHODS[method].equalize:  # which scales channels apart
        assert abs(constant.max() / y[:, 2].max() - 0.7 / 1.5) < 0.02
    assert not y[:, [0, 3]].any()
    dead = replace(network, convs=(replace(first, bias=first.bias - 1e3), second, *rest))
    check_rules(run(dead, pixels, method))
    silent = replace(network, linear_weight=network.linear_weight * 0)
    check_rules(run(silent, pixels, method))


@settings(deadline=None, max_examples=60)
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
    assert 1 <= fitted.shift <= grid.MAX_SHIFT
    assert fitted.multiplier.min() >= 1
    assert fitted.multiplier.max() < 1 << MULTIPLIER_BITS
    realised = in_scale * fitted.weight_scale / out_scale
    assert np.allclose(realised, fitted.multiplier / 2.0**fitted.shift, rtol=1e-12)
    again = grid.fit_grid(fitted.weight_scale, np.zeros(len(scale)), in_scale, out_scale)
    if fitted.shift > 1:
        assert np.allclose(again.weight_scale, fitted.weight_scale, rtol=1e-12, atol=0)


def noise_of(ratio: np.ndarray, weight: np.ndarray, stats: ChannelStats) -> float:
    """The two terms of balance.py for one group, 8 bits, written out as sums."""
    finest = (stats.peak / ratio).max() / 255
    gain = (weight**2).sum(axis=(0, 2))
    activations = sum(p * (finest * t) ** 2 * g for p, t, g in zip(stats.active, ratio, gain, strict=True))
    rows = [max(abs(row[c]).max() * ratio[c] for c in range(len(ratio))) / 127 for row in weight]
    energy = weight.shape[2] * (stats.mean_square / ratio**2).sum()
    return float(activations + sum(r**2 for r in rows) * energy)


def test_balanced_channels_have_the_least_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """No better than a hundred neighbours, and the same function whatever scales the channels came with."""
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((6, 5, 9)) * rng.lognormal(0, 1, (1, 5, 1))
    peak = rng.lognormal(0, 1, 5)
    stats = ChannelStats(peak, 0.05 * peak**2 * rng.lognormal(0, 0.5, 5), rng.uniform(0.1, 1, 5))
    monkeypatch.setattr(balance, "STEPS", 300)
    options = {"groups": 1, "weight_limit": 127, "levels": 255}
    ratio = balance.least_noise(weight, stats, **options)  # type: ignore[arg-type]
    assert np.log(ratio).mean() == pytest.approx(0.0, abs=1e-9)
    least = noise_of(ratio, weight, stats)
    assert least < 0.97 * noise_of(np.ones(5), weight, stats)
    for _ in range(100):
        near = ratio * rng.lognormal(0, 0.2, 5)
        assert noise_of(near, weight, stats) > 0.98 * least

    k = rng.lognormal(0, 2, 5)
    scaled = ChannelStats(stats.peak * k, stats.mean_square * k**2, stats.active)
    again = balance.least_noise(weight / k[:, None], scaled, **options)  # type: ignore[arg-type]
    assert noise_of(again / k, weight, stats) == pytest.approx(least, rel=0.01)


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
    assert same(run(silenced, pixels, method), run(planted, pixels, method)) == METHODS[method].zero_dead


def weighted_error(weight: np.ndarray, scale: np.ndarray, mean_square: np.ndarray, bits: int) -> np.ndarray:
    rounded = grid.to_integers(weight, scale, bits) * scale[:, None, None, None]
    return np.asarray(((rounded - weight) ** 2).sum(axis=(2, 3)) * mean_square).sum(axis=1)


@given(st.integers(0, 2**32 - 1), st.integers(4, 8))
@settings(deadline=None, max_examples=30)
def test_weighted_scales_lose_no_more_than_the_largest_weight_s(seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((4, 3, 3, 3)) * rng.lognormal(0, 1.5, (4, 3, 1, 1))
    mean_square = rng.lognormal(0, 2, (4, 3))
    top = weight_scales.largest(weight, mean_square, bits)
    found = weight_scales.weighted(weight, mean_square, bits)
    assert (weight_scales.LEAST * top * (1 - 1e-12) <= found).all()
    assert (found <= top).all()
    errors = [weighted_error(weight, scale, mean_square, bits) for scale in (found, top, 0.75 * top)]
    assert (errors[0] <= np.minimum(errors[1], errors[2]) * (1 + 1e-9)).all()


def test_a_weight_whose_input_is_zero_does_not_set_the_scale() -> None:
    weight = np.random.default_rng(0).uniform(0.2, 0.5, (2, 2, 3, 3))
    weight[:, 1] = 1.0
    silent, equal = np.array([[1.0, 0.0]] * 2), np.ones((2, 2))
    np.testing.assert_array_less(weight_scales.weighted(weight, silent, 4), 0.6 / 7)
    np.testing.assert_array_equal(weight_scales.weighted(weight, equal, 4) > 0.9 / 7, True)
    zeros = np.zeros((2, 2, 3, 3))
    np.testing.assert_array_equal(weight_scales.weighted(zeros, equal, 8), 0.0)


def mixing_matrix(times: int) -> np.ndarray:
    return np.linalg.matrix_power(0.85 * np.eye(3) + 0.05, times)


def mixing_chain(x: torch.Tensor) -> tuple[FusedNetwork, list[float]]:
    """Six layers that mix the three channels of x a little, and the largest value behind each."""
    weight = np.zeros((3, 3, 3, 3))
    weight[:, :, 1, 1] = mixing_matrix(1)
    convs = tuple(FusedConv(f"layer{i}", weight, np.zeros(3), 1, 1) for i in range(6))
    peaks = []
    for conv in convs:
        x = layers.conv(x, conv.weight, conv.bias, conv)
        peaks.append(float(x.max()))
    return FusedNetwork("mixing", convs, np.eye(3), np.zeros(3)), peaks


def clipped_error(network: FusedNetwork, x: torch.Tensor, clips: list[float]) -> float:
    wanted, y = x, x
    for conv, clip in zip(network.convs, clips, strict=True):
        wanted = layers.conv(wanted, conv.weight, conv.bias, conv)
        y = layers.conv(y, conv.weight, conv.bias, conv)
        y = (y * 255 / clip + 0.5).floor().clamp(0, 255) * clip / 255
    return float((y - wanted).mean(dim=(2, 3)).square().mean(dim=1).sqrt().mean())


def test_ranges_are_chosen_for_all_layers_together() -> None:
    """One of 128 images has a value ten times the others': clipping it pays once all layers do so."""
    x = torch.from_numpy(np.random.default_rng(0).uniform(1, 255, (128, 3, 8, 8)).astype(np.float32))
    x[0, 0, 0, 0] = 2550.0
    network, peaks = mixing_chain(x)
    found = clipping.clips(network, x, [255] * 6)
    assert all(clip < 0.25 * peak for clip, peak in zip(found, peaks, strict=True))
    assert clipped_error(network, x, found) < 0.2 * clipped_error(network, x, peaks)
    alone = [found[0], *peaks[1:]]
    assert clipped_error(network, x, alone) > 0.5 * clipped_error(network, x, peaks)


def test_layers_behind_are_fitted_to_what_clipping_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of what bright images lose by clipping must not move the bias of dark ones."""
    pixels = np.random.default_rng(0).integers(1, 65, (32, 8, 8, 3)).astype(np.uint8)
    pixels[16:] *= 3
    network, peaks = mixing_chain(torch.from_numpy(pixels.astype(np.float32) / 255).permute(0, 3, 1, 2))
    monkeypatch.setattr(clipping, "clips", lambda *_: [0.4 * peak for peak in peaks])
    found = quantize(network, pixels, mean=(0.0,) * 3, std=(1.0,) * 3, method="gptq")
    dark = pixels[:16]
    got = golden.logits(golden.quantize_input(dark, found), found) * found.logit_scale
    np.testing.assert_allclose(got, dark.mean(axis=(1, 2)) / 255 @ mixing_matrix(6), atol=0.005)


def test_what_is_exact_or_never_active_is_not_clipped() -> None:
    x = torch.full((4, 3, 4, 4), 255.0)
    network, peaks = mixing_chain(x)
    assert clipping.clips(network, x, [255] * 6) == peaks
    assert clipping.clips(network, -x, [255] * 6) == [0.0] * 6


def test_joint_rounding_brings_logits_closer_and_moves_integers_by_one() -> None:
    network, pixels = random_network(6), synthetic(48, (3, 16, 16))
    start = run(network, pixels, "minmax", weights=4)
    learnt = joint.learn(start, network, pixels, schedule=joint.Schedule(steps=60))
    check_rules(learnt)
    expected = float_logits(network, pixels)

    def error(integer: IntegerNetwork) -> float:
        got = golden.logits(golden.quantize_input(pixels, integer), integer) * integer.logit_scale
        return float(((got - expected) ** 2).mean())

    assert error(learnt) < 0.5 * error(start)
    moved = [abs(a.weight.astype(int) - b.weight) for a, b in zip(learnt.convs, start.convs, strict=True)]
    assert {int(m.max()) for m in moved} == {1}
    assert learnt.linear is start.linear


def test_joint_rounding_keeps_its_start_where_it_finds_nothing_better() -> None:
    network, pixels = random_network(6), synthetic(8, (3, 16, 16))
    start = run(network, pixels, "gptq")
    wild = joint.Schedule(steps=3, rate=1.0, bias_rate=1e3)
    assert joint.learn(start, network, pixels, schedule=wild) is start


@pytest.mark.parametrize("groups", [1, 2])
def test_products_in_float32_are_exact_at_their_bound(groups: int) -> None:
    """Weights of both signs count once: the largest sums of either sign stay below 2**24."""
    integer = run(random_network(groups=groups), synthetic(2, (3, 8, 8)))
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
        run(network, pixels, "best")
    with pytest.raises(InputError, match="at least one calibration image"):
        run(network, pixels[:0])
    with pytest.raises(InputError, match="1 channels"):
        run(network, pixels[..., :1])
    with pytest.raises(InputError, match="uint8"):
        run(network, pixels.astype(np.float32))
    with pytest.raises(InputError, match="already 1x1"):
        run(network, pixels[:, :2, :2])
    with pytest.raises(InputError, match="4 to 8"):
        run(network, pixels, weights=9)
    broken = network.convs[1].weight.copy()
    broken[0, 0, 0, 0] = np.nan
    convs = (network.convs[0], replace(network.convs[1], weight=broken), *network.convs[2:])
    with pytest.raises(InputError, match="layer1: weights or biases are not finite"):
        run(replace(network, convs=convs), pixels)
