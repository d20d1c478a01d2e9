"""What quantization chooses: equalization, weight scales, ranges, rounding in all layers together."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from fused_networks import check_rules, float_logits, quantized, random_network, short_searches  # noqa: F401, the fixture
from hypothesis import given, settings
from hypothesis import strategies as st

from repvgg_hw import golden
from repvgg_hw.checkpoint import random_network as trained_network
from repvgg_hw.model.images import normalise, synthetic
from repvgg_hw.network import (
    Architecture,
    FusedConv,
    FusedLinear,
    FusedNetwork,
    IntegerNetwork,
)
from repvgg_hw.quantize import (
    balance,
    clipping,
    grid,
    joint,
    layers,
    quantize,
    weight_scales,
)
from repvgg_hw.quantize.channels import ChannelStats


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
    least_noise = functools.partial(balance.least_noise, groups=1, weight_limit=127, levels=255)
    ratio = least_noise(weight, stats)
    assert np.log(ratio).mean() == pytest.approx(0.0, abs=1e-9)
    least = noise_of(ratio, weight, stats)
    assert least < 0.97 * noise_of(np.ones(5), weight, stats)
    for _ in range(100):
        near = ratio * rng.lognormal(0, 0.2, 5)
        assert noise_of(near, weight, stats) > 0.98 * least

    k = rng.lognormal(0, 2, 5)
    scaled = ChannelStats(stats.peak * k, stats.mean_square * k**2, stats.active)
    again = least_noise(weight / k[:, None], scaled)
    assert noise_of(again / k, weight, stats) == pytest.approx(least, rel=0.01)


def weighted_error(weight: np.ndarray, scale: np.ndarray, mean_square: np.ndarray, bits: int) -> np.ndarray:
    rounded = grid.to_integers(weight, scale, bits) * scale[:, None, None, None]
    return np.asarray((((rounded - weight) ** 2).sum(axis=(2, 3)) * mean_square).sum(axis=1))


@given(st.integers(0, 2**32 - 1), st.integers(4, 8))
@settings(max_examples=30)
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
    return FusedNetwork("mixing", convs, FusedLinear(np.eye(3), np.zeros(3))), peaks


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


def searched_plainly(network: FusedNetwork, x: torch.Tensor, levels: int) -> tuple[list[float], int]:
    """The ranges of clipping.clips and the number of tries, each of which runs the whole network anew."""
    strided = np.cumsum([conv.stride > 1 for conv in network.convs])
    layer = range(len(strided))
    stages = [[i for i in layer if strided[i] == stage] for stage in sorted(set(strided))]
    tries = 0

    def outputs(clips: list[float] | None) -> tuple[np.ndarray, list[float]]:
        y, peaks = x, []
        for i, conv in enumerate(network.convs):
            y = layers.conv(y, conv.weight, conv.bias, conv).clamp(min=0)
            peaks.append(float(y.max()))
            if clips is not None:
                step = clips[i] / levels
                y = torch.floor(y / step + 0.5).clamp(0, levels) * step
        assert network.linear is not None
        mean = y.mean(dim=(2, 3)).double().numpy()
        return mean @ network.linear.weight.T + network.linear.bias, peaks

    wanted, peaks = outputs(None)

    def error(clips: list[float]) -> float:
        nonlocal tries
        tries += 1
        return float(np.sqrt(((outputs(clips)[0] - wanted) ** 2).mean(axis=1)).mean())

    found = list(peaks)
    least = error(found)
    for _ in range(clipping.ROUNDS):
        before_round = least
        for block in (*stages, *([i] for i in layer)):
            for factor in (0.9, 1 / 0.9):
                while True:
                    moved = list(found)
                    for i in block:
                        moved[i] = min(max(found[i] * factor, peaks[i] / 16), peaks[i])
                    got = error(moved)
                    if got >= least * (1 - clipping.GAIN):
                        break
                    found, least = moved, got
        if least >= before_round * (1 - clipping.ROUND_GAIN):
            break
    return found, tries


@pytest.mark.parametrize("levels", [255, 15])
def test_ranges_are_those_of_a_search_that_skips_nothing(
    levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tries whose outcome is known are left out; what does not change within a block is kept."""
    shape = Architecture("chain", widths=(6, 6, 8), depths=(1, 2, 2), strides=(2, 2, 1), num_classes=5)
    network = trained_network(shape, 3).fused
    x = torch.from_numpy(normalise(synthetic(32, (3, 16, 16), 2), (0.5,) * 3, (0.25,) * 3).astype(np.float32))
    x[0, :, 0, :4] = 30.0  # a few large values: clipping them pays
    measured: list[bytes] = []
    real = clipping._Chain.error

    def error(chain: clipping._Chain, first: int, sums: torch.Tensor) -> float:
        measured.append(chain._ranges())
        return real(chain, first, sums)

    monkeypatch.setattr(clipping._Chain, "error", error)
    found = clipping.clips(network, x, [levels] * len(network.convs))
    expected, tries = searched_plainly(network, x, levels)
    assert found == expected
    assert len(measured) == len(set(measured)) < tries
    assert found != clipping._Chain(network, x, [levels] * len(network.convs)).peaks


def test_layers_behind_are_fitted_to_what_clipping_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of what bright images lose by clipping must not move the bias of dark ones."""
    pixels = np.random.default_rng(0).integers(1, 65, (32, 8, 8, 3)).astype(np.uint8)
    pixels[16:] *= 3
    network, peaks = mixing_chain(torch.from_numpy(pixels.astype(np.float32) / 255).permute(0, 3, 1, 2))
    monkeypatch.setattr(clipping, "clips", lambda *_: [0.4 * peak for peak in peaks])
    found = quantize(network, pixels, mean=(0.0,) * 3, std=(1.0,) * 3, method="gptq")
    dark = pixels[:16]
    got = golden.forward(golden.quantize_input(dark, found), found) * found.output_scale
    np.testing.assert_allclose(got, dark.mean(axis=(1, 2)) / 255 @ mixing_matrix(6), atol=0.005)


def test_what_is_exact_or_never_active_is_not_clipped() -> None:
    x = torch.full((4, 3, 4, 4), 255.0)
    network, peaks = mixing_chain(x)
    assert clipping.clips(network, x, [255] * 6) == peaks
    assert clipping.clips(network, -x, [255] * 6) == [0.0] * 6


def test_joint_rounding_brings_logits_closer_and_moves_integers_by_one() -> None:
    network, pixels = random_network(6), synthetic(48, (3, 16, 16))
    start = quantized(network, pixels, "minmax", weights=4)
    learnt = joint.learn(start, network, pixels, schedule=joint.JointSchedule(steps=60))
    check_rules(learnt)
    expected = float_logits(network, pixels)

    def error(integer: IntegerNetwork) -> float:
        got = golden.forward(golden.quantize_input(pixels, integer), integer) * integer.output_scale
        return float(((got - expected) ** 2).mean())

    assert error(learnt) < 0.5 * error(start)
    moved = [abs(a.weight.astype(int) - b.weight) for a, b in zip(learnt.convs, start.convs, strict=True)]
    assert {int(m.max()) for m in moved} == {1}
    assert learnt.linear is start.linear


def test_joint_rounding_keeps_its_start_where_it_finds_nothing_better() -> None:
    network, pixels = random_network(6), synthetic(8, (3, 16, 16))
    start = quantized(network, pixels, "gptq")
    wild = joint.JointSchedule(steps=3, rate=1.0, bias_rate=1e3)
    assert joint.learn(start, network, pixels, schedule=wild) is start
