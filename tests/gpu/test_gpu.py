"""The int8 Triton backend equals golden to the last bit: on CUDA, or without it in Triton's interpreter."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repvgg_hw import golden, gpu
from repvgg_hw.errors import InputError
from repvgg_hw.gpu.synthetic import synthetic_network
from repvgg_hw.model.variants import get_variant
from repvgg_hw.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Architecture,
    IntegerConv,
    IntegerLinear,
    IntegerNetwork,
)

torch = pytest.importorskip("torch")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is imported
pytest.importorskip("triton", reason="the GPU backend is the extra `gpu`")


def make_conv(c_in: int, c_out: int, *, seed: int = 0, groups: int = 1, **fields: Any) -> IntegerConv:
    """A layer of random numbers whose outputs cover 0 to 255."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {
        "name": "conv",
        "weight": rng.integers(-127, 128, (c_out, c_in // groups, 3, 3)).astype(np.int8),
        "bias": rng.integers(-30000, 30001, c_out).astype(np.int32),
        "multiplier": rng.integers(1, 1 << 17, c_out).astype(np.int32),
        "shift": 24,
        "stride": 1,
        "groups": groups,
    }
    return IntegerConv(**{**values, **fields})


def network_of(*convs: IntegerConv, size: tuple[int, int], classes: int = 5, seed: int = 0) -> IntegerNetwork:
    """The chain of convs with a random linear layer."""
    rng = np.random.default_rng(seed)
    features = convs[-1].shape.c_out
    linear = IntegerLinear(
        rng.integers(-127, 128, (classes, features)).astype(np.int8),
        rng.integers(-100000, 100001, classes).astype(np.int32),
    )
    shape = (convs[0].shape.c_in, *size)
    return IntegerNetwork("net", shape, 0.02, IMAGENET_MEAN, IMAGENET_STD, convs, linear, 1.0)


def layer_output(x: NDArray[np.integer], layer: IntegerConv) -> NDArray[np.integer]:
    """conv_layer by the Triton kernel: (N, C, H, W) -> uint8 values (N, C', H', W')."""
    from repvgg_hw.gpu.runner import Runner

    runner = Runner(network_of(layer, size=x.shape[2:]), len(x), DEVICE)
    runner.load(x)
    runner.launch()
    stored = runner.maps[0].interior().cpu().numpy().astype(np.int64)
    return np.moveaxis(stored + 128, 3, 1)


def assert_equal(x: NDArray[np.integer], layer: IntegerConv) -> NDArray[np.integer]:
    expected = golden.conv_layer(x, layer)
    np.testing.assert_array_equal(layer_output(x, layer), expected)
    return expected


def maps(rng: np.random.Generator, *shape: int) -> NDArray[np.uint8]:
    return rng.integers(0, 256, shape).astype(np.uint8)


@settings(max_examples=12, derandomize=True)
@given(
    c_in=st.sampled_from([1, 3, 8, 16, 20, 48]),
    c_out=st.sampled_from([1, 8, 24, 40]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    stride=st.sampled_from([1, 2]),
    groups=st.sampled_from([1, 2, 4]),
    signed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_convolution_equals_golden(
    c_in: int, c_out: int, height: int, width: int, stride: int, groups: int, signed: bool, seed: int
) -> None:
    """Any shape: odd and single-pixel maps, channels that fill no block, strides, groups, signed input."""
    if signed or c_in % groups or c_out % groups:
        groups = 1
    rng = np.random.default_rng(seed)
    layer = make_conv(c_in, c_out, seed=seed, groups=groups, stride=stride, in_signed=signed)
    x = maps(rng, 2, c_in, height, width)
    assert_equal(x.view(np.int8) if signed else x, layer)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("value", [0, 255])
def test_constant_inputs(value: int, groups: int) -> None:
    """All zero and all 255: padding must count as zero although a hidden zero is stored as -128."""
    layer = make_conv(16, 16, groups=groups)
    assert_equal(np.full((1, 16, 5, 4), value, np.uint8), layer)


@pytest.mark.parametrize("value", [-128, 127])
def test_signed_extremes(value: int) -> None:
    assert_equal(np.full((1, 3, 5, 4), value, np.int8), make_conv(3, 8, in_signed=True, stride=2))


def test_requantization_saturates_at_both_ends() -> None:
    layer = make_conv(8, 32, shift=12)
    y = assert_equal(maps(np.random.default_rng(1), 1, 8, 6, 6), layer)
    assert {0, 255} <= set(y.ravel().tolist())
    assert np.isin(y, (0, 255)).mean() > 0.9


def test_products_beyond_32_bits() -> None:
    """The largest multiplier times sums near the bound: the epilogue needs 64 bits."""
    layer = make_conv(48, 8, shift=40)
    layer = replace(
        layer,
        weight=np.full_like(layer.weight, 127),
        bias=np.arange(-4, 4, dtype=np.int32) * 200_000_000,
        multiplier=np.full(8, (1 << 17) - 1, np.int32),
    )
    y = assert_equal(np.full((1, 48, 3, 3), 255, np.uint8), layer)
    assert layer.accumulator_bound * ((1 << 17) - 1) > 1 << 45
    assert len(np.unique(y)) > 4


def test_ties_go_up() -> None:
    """acc * 1 / 2: the halves -1.5, -0.5, 0.5, 1.5 become -1, 0, 1, 2, then ReLU."""
    weight = np.zeros((1, 1, 3, 3), np.int8)
    weight[0, 0, 1, 1] = 1
    layer = make_conv(
        1, 1, weight=weight, bias=np.array([-3], np.int32), multiplier=np.ones(1, np.int32), shift=1
    )
    y = assert_equal(np.array([[[[0, 2, 4, 6]]]], np.uint8), layer)
    assert y.ravel().tolist() == [0, 0, 1, 2]


def test_narrow_activations() -> None:
    layer = make_conv(8, 8, in_bits=4, out_bits=4, shift=18)
    y = assert_equal(maps(np.random.default_rng(2), 1, 8, 5, 5) >> 4, layer)
    assert y.max() == 15


SMALL = Architecture("small", (8, 16, 24), (1, 2, 2), (2, 2, 2), groups={2: 2, 4: 4}, num_classes=7)


@pytest.fixture(scope="module")
def small() -> tuple[IntegerNetwork, NDArray[np.int8], NDArray[np.int64]]:
    """A network, images, and golden's logits of them."""
    network = synthetic_network(SMALL, (19, 13))
    x = np.random.default_rng(3).integers(-128, 128, (5, 3, 19, 13)).astype(np.int8)
    return network, x, golden.forward(x, network)


@pytest.mark.parametrize("batch", [2, 5, 64])
def test_network_logits_equal_golden(small: tuple[Any, Any, Any], batch: int) -> None:
    """Whatever the batch: a last, shorter batch must not see the images before it."""
    network, x, expected = small
    np.testing.assert_array_equal(gpu.logits(x, network, DEVICE, batch), expected)


def test_pixels_are_quantized_as_golden_does() -> None:
    network = synthetic_network(SMALL, (8, 8))
    pixels = np.arange(2 * 8 * 8 * 3, dtype=np.int64).reshape(2, 8, 8, 3).astype(np.uint8)
    expected = golden.forward(golden.quantize_input(pixels, network), network)
    np.testing.assert_array_equal(gpu.logits_of_pixels(pixels, network, DEVICE), expected)
    ramp = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 1, 256, 3)
    np.testing.assert_array_equal(gpu.input_table(network), golden.quantize_input(ramp, network)[0, :, 0])


def test_a_changed_weight_is_seen(small: tuple[Any, Any, Any]) -> None:
    """The comparison can fail: one weight off by one changes a logit."""
    network, x, expected = small
    last = network.convs[-1]
    weight = last.weight.copy()
    weight[0, 0, 1, 1] += 1 if weight[0, 0, 1, 1] < 127 else -1
    broken = replace(network, convs=(*network.convs[:-1], replace(last, weight=weight)))
    assert (gpu.logits(x, broken, DEVICE) != expected).any()


def test_large_sums_in_the_linear_layer() -> None:
    """A map large and bright enough that a pooled sum needs three base-128 digits."""
    from repvgg_hw.gpu.runner import Runner

    network = network_of(
        make_conv(4, 8, shift=10, bias=np.full(8, 1 << 20, np.int32)), size=(16, 12), classes=40
    )
    x = np.full((1, 4, 16, 12), 255, np.uint8)
    runner = Runner(network, 1, DEVICE)
    assert runner.linear.digits == 3
    np.testing.assert_array_equal(runner.run(x), golden.forward(x, network))


def test_an_input_that_is_not_square() -> None:
    network = synthetic_network(SMALL, (33, 20))
    x = np.random.default_rng(4).integers(-128, 128, (2, 3, 33, 20)).astype(np.int8)
    np.testing.assert_array_equal(gpu.logits(x, network, DEVICE), golden.forward(x, network))


def test_no_images() -> None:
    network = synthetic_network(SMALL, (8, 8))
    assert gpu.logits(np.zeros((0, 3, 8, 8), np.int8), network, DEVICE).shape == (0, 7)


def test_what_does_not_fit_is_refused() -> None:
    """Never a wrong number: operands over 8 bits and sums over 32 bits are refused by name."""
    from repvgg_hw.gpu.packing import pack_conv, pack_linear

    with pytest.raises(InputError, match="conv: 9-bit activations"):
        pack_conv(make_conv(4, 4, in_bits=9), "cpu")
    with pytest.raises(InputError, match="first layer"):
        pack_conv(make_conv(4, 4, groups=2, in_signed=True), "cpu")
    wide = np.full((1, 14680, 3, 3), 127, np.int8)
    with pytest.raises(InputError, match="32-bit accumulators"):
        pack_conv(make_conv(14680, 1, weight=wide), "cpu")
    linear = IntegerLinear(np.full((1, 2048), 127, np.int8), np.zeros(1, np.int32))
    with pytest.raises(InputError, match="logits"):
        pack_linear(linear, 56 * 56, "cpu")
    backbone = replace(network_of(make_conv(4, 4), size=(4, 4)), linear=None)
    with pytest.raises(InputError, match="net has no linear layer"):
        gpu.logits(np.zeros((1, 4, 4, 4), np.int8), backbone, DEVICE)


def test_a_missing_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    network = synthetic_network(SMALL, (8, 8))
    x = np.zeros((1, 3, 8, 8), np.int8)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        gpu.logits(x, network, "cuda")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(InputError, match="TRITON_INTERPRET=1"):
        gpu.logits(x, network, "cpu")
    with pytest.raises(InputError, match="neither cuda nor cpu"):
        gpu.logits(x, network, "tpu")


def test_synthetic_values_are_spread() -> None:
    network = synthetic_network(get_variant("A0"), (32, 32))
    x = np.random.default_rng(0).integers(-128, 128, (1, 3, 32, 32)).astype(np.int8)
    for name, y in golden.trace(x, network):
        if name == "stage3.0":
            assert 0.2 < (y == 0).mean() < 0.8
            assert (y == 255).mean() < 0.05
    with pytest.raises(InputError, match="D2se"):
        synthetic_network(get_variant("D2se"))
