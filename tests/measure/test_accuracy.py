"""Evaluation: the figures, the proof against golden, and `repvgg-hw evaluate` from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from fused_networks import NORMAL, random_network, short_searches  # noqa: F401, the fixture

from repvgg_hw import golden
from repvgg_hw.checkpoint import random_model
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.measure.accuracy import Accuracy, compare, evaluate, require_golden_logits, without
from repvgg_hw.model.images import Images, checked_labels, synthetic
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, Architecture, FusedNetwork
from repvgg_hw.quantize import METHODS, Widths, forward, layers, load_widths, quantize
from repvgg_hw.quantize.diagnose import diagnose
from repvgg_hw.quantize.sensitivity import search_widths


def test_accuracy_interval() -> None:
    low, high = Accuracy(50, 100).interval
    assert (round(low, 2), round(high, 2)) == (40.38, 59.62)  # Wilson, 95 %
    assert Accuracy(0, 10).interval[0] == pytest.approx(0.0, abs=1e-12)


def test_compare_counts() -> None:
    labels = np.array([0, 1, 2, 0])
    eye = np.eye(3)
    reference, integer = eye[[0, 1, 2, 1]], eye[[0, 0, 2, 0]]  # loses image 1, wins image 3
    got = compare(reference, reference, integer, labels, method="m")
    assert (got.float_.correct, got.integer.correct, got.fake.correct) == (3, 3, 3)
    assert got.drop == 0.0
    assert got.agreement == 50.0
    assert got.drop_margin == pytest.approx(100 * 1.959964 * 2**0.5 / 4)


def test_evaluate_and_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    network, pixels = random_network(), synthetic(20, (3, 16, 16))
    integer = quantize(network, pixels, **NORMAL)
    reference = forward.float_outputs(network, pixels, IMAGENET_MEAN, IMAGENET_STD)
    images = Images(pixels, reference.argmax(axis=1), tuple("x" * 20))
    result = evaluate(integer, reference, images, method="default")
    assert result.float_.percent == 100.0
    assert result.agreement == result.integer.percent
    exact = golden.top1(golden.forward(golden.quantize_input(pixels, integer), integer))
    assert result.integer.correct == int((exact == images.labels).sum())
    assert result.sqnr > 15

    right = layers.integer_head
    monkeypatch.setattr(layers, "integer_head", lambda x, layer: right(x, layer) + 1)
    with pytest.raises(CheckFailed, match="image 0, class 0"):
        require_golden_logits(integer, pixels)


def test_labels_and_overlap() -> None:
    pixels = synthetic(6, (3, 8, 8))
    with pytest.raises(InputError, match="needs labels"):
        checked_labels(Images(pixels, None, ()), 10)
    with pytest.raises(InputError, match="0 to 10, but the network has 10"):
        checked_labels(Images(pixels[:2], np.array([0, 10]), ()), 10)
    assert np.array_equal(without(pixels, pixels[2:4]), pixels[[0, 1, 4, 5]])
    with pytest.raises(InputError, match="images of their own"):
        without(pixels[:2], pixels)


def test_diagnose_names_the_layer_that_is_damaged() -> None:
    network, pixels = random_network(), synthetic(16, (3, 16, 16))
    widths = Widths(weight_of={"layer2": 4})
    reports = diagnose(network, quantize(network, pixels, method="minmax", widths=widths, **NORMAL), pixels)
    assert [r.name for r in reports] == [c.name for c in network.convs]
    assert max(reports, key=lambda r: r.added_noise).name == "layer2"
    assert reports[2].weight_bits == 4
    fine = diagnose(network, quantize(network, pixels, **NORMAL), pixels)
    assert min(r.sqnr_db for r in fine) > 20


def test_search_widths_meets_the_budget_and_spares_the_sensitive_layer() -> None:
    network, pixels = random_network(), synthetic(16, (3, 16, 16))
    assert network.linear is not None
    sizes = {c.name: c.weight.size for c in network.convs} | {"linear": network.linear.weight.size}
    budget = sum(sizes.values()) * 6 // 8
    widths = search_widths(network, pixels, budget_bytes=budget, **NORMAL)
    widths.check(network)
    assert sum(sizes[n] * widths.weight(n) for n in sizes) <= 8 * budget
    assert len(set(widths.weight_of.values())) > 1
    assert set(search_widths(network, pixels, budget_bytes=10**9, **NORMAL).weight_of.values()) == {8}
    with pytest.raises(InputError, match="too small"):
        search_widths(network, pixels, budget_bytes=100, **NORMAL)


def test_widths_reach_the_integers(tmp_path: Path) -> None:
    network, pixels = random_network(), synthetic(16, (3, 16, 16))
    content = {"weights": 5, "activations": 6, "weight_of": {"layer1": 4}, "activation_of": {"layer3": 4}}
    (tmp_path / "bits.json").write_text(json.dumps(content))
    integer = quantize(network, pixels, widths=load_widths(tmp_path / "bits.json"), **NORMAL)
    assert [c.weight_bits for c in integer.convs] == [5, 4, 5, 5]
    assert [c.out_bits for c in integer.convs] == [6, 6, 6, 4]
    assert [c.in_bits for c in integer.convs] == [8, 6, 6, 6]
    assert integer.linear is not None
    assert integer.linear.weight_bits == 5
    for conv in integer.convs:
        assert abs(conv.weight.astype(int)).max() <= (1 << (conv.weight_bits - 1)) - 1
    require_golden_logits(integer, pixels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no readable JSON"),
        ("[]", "expected a JSON object"),
        ('{"weight": 4}', "expected a JSON object"),
        ('{"weights": "four"}', "must be a number"),
    ],
)
def test_bad_width_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bits.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_widths(tmp_path / "bits.json")
    for bad in (Widths(weight_of={"layer9": 4}), Widths(activations=3), Widths(weight_of={"layer1": 9})):
        with pytest.raises(InputError, match="bits"):
            bad.check(random_network())


def planted(seed: int, dead: bool) -> tuple[FusedNetwork, FusedNetwork]:
    """A network, and the same float function with channels that only an identity branch's scale explains.

    dead: never active, their weights in the next layer of any size; else active, 1/1000 as large.
    """
    network = random_network(seed)
    first, second, third, fourth = network.convs
    sleeping = [0, 3]
    weight, bias = second.weight.copy(), second.bias.copy()
    taps = third.weight.copy()
    if dead:
        weight[sleeping], bias[sleeping] = 0, -1.0
        clean = replace(network, convs=(first, replace(second, weight=weight, bias=bias), third, fourth))
        taps[sleeping, sleeping, 1, 1] += 1500.0
    else:
        clean = network
        weight[sleeping] /= 1000.0
        bias[sleeping] /= 1000.0
        taps[:, sleeping] *= 1000.0
    changed = (
        first,
        replace(second, weight=weight, bias=bias),
        replace(third, weight=taps),
        fourth,
    )
    return clean, replace(network, convs=changed)


@pytest.mark.parametrize("dead", [True, False])
@pytest.mark.parametrize("method", ["equalized", "gptq"])
def test_planted_channels_cost_nothing(method: str, dead: bool) -> None:
    """They ruin plain quantization; the method must give as good an integer network as without them."""
    pixels = synthetic(64, (3, 16, 16))
    clean, odd = planted(4, dead)
    reference = forward.float_outputs(clean, pixels, IMAGENET_MEAN, IMAGENET_STD)

    def noise(network: FusedNetwork, name: str) -> float:
        integer = quantize(network, pixels, method=name, **NORMAL)
        return float(((forward.integer_outputs(integer, pixels) - reference) ** 2).mean())

    assert noise(odd, "minmax") > 10 * noise(clean, "minmax")
    assert noise(odd, method) < 1.3 * noise(clean, method)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    shape = Architecture("tiny", widths=(8, 8, 16), depths=(1, 2, 1), strides=(2, 2, 2), num_classes=5)
    torch.save(random_model(shape, seed=1).state_dict(), folder / "net.pth")
    pixels = synthetic(60, (3, 32, 32), seed=2)
    np.savez(folder / "test.npz", images=pixels[:30], labels=np.arange(30) % 5)
    np.savez(folder / "calibration.npz", images=pixels[20:])
    return folder


def call(folder: Path, *options: str, data: str = "test.npz") -> tuple[int, str, str]:
    arguments = ["evaluate", str(folder / "net.pth"), "--data", str(folder / data)]
    result = CliRunner().invoke(
        main, [*arguments, "--calibration", str(folder / "calibration.npz"), *options]
    )
    return result.exit_code, result.stdout, result.stderr


def test_command_compares_every_method(files: Path) -> None:
    code, out, err = call(files, "--compare", "--json", "--per-layer", "--plot", str(files / "plot.svg"))
    assert code == 0, err
    found = json.loads(out)
    assert [m["method"] for m in found["methods"]] == list(METHODS)
    assert found["calibration_images"] == 30  # ten of the forty are test images
    assert "10 calibration images are test images" in err
    assert all(len(m["layers"]) == 4 for m in found["methods"])
    assert (files / "plot.svg").read_text().count("<rect") == 1 + len(METHODS)


def test_command_prints_a_table(files: Path) -> None:
    code, out, err = call(files, "--method", "minmax", "--per-layer", "--limit", "10", "--weight-bits", "6")
    assert code == 0, err
    assert "Top-1 on 10 images" in out
    assert "stage1.1" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "magic"), "'magic' is not one of"),
        (("--method", "naive", "--compare"), "exclude each other: it runs every method"),
        (("--weight-bits", "3"), "from 4 to 8"),
        (("--weight-memory", "10"), "too small"),
        (("--weight-bits", "6", "--weight-memory", "10"), "exclude each other"),
        (("--plot", "/dev/null/plot.svg"), "is not a folder"),
    ],
)
def test_command_refuses(files: Path, options: tuple[str, ...], message: str) -> None:
    code, _, err = call(files, *options)
    assert code == 2
    assert message in err.replace("\n", " ")
    assert "Traceback" not in err


def test_command_needs_labels(files: Path) -> None:
    code, _, err = call(files, data="calibration.npz")
    assert code == 2
    assert "needs labels" in err
