"""Saving and loading an integer network: exact, deterministic, and strict about what it reads."""

from __future__ import annotations

import json
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repvgg_hw.design.network_file import load_network, save_network
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerConv, IntegerLinear, IntegerNetwork


def conv(name: str, c_in: int, c_out: int, groups: int = 1, in_signed: bool = False) -> IntegerConv:
    rng = np.random.default_rng(c_out)
    return IntegerConv(
        name=name,
        weight=rng.integers(-127, 128, (c_out, c_in // groups, 3, 3)).astype(np.int8),
        bias=rng.integers(-(1 << 30), 1 << 30, c_out).astype(np.int32),
        multiplier=rng.integers(1, 1 << 17, c_out).astype(np.int32),
        shift=21,
        stride=2,
        groups=groups,
        in_signed=in_signed,
        out_bits=7,
    )


@pytest.fixture
def network() -> IntegerNetwork:
    linear = IntegerLinear(np.ones((3, 8), np.int8), np.array([5, -(1 << 31), 7], np.int32))
    return IntegerNetwork(
        name="tiny",
        in_shape=(3, 8, 10),
        input_scale=0.1 + 0.2,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        convs=(conv("stage0", 3, 4, in_signed=True), replace(conv("stage1.0", 4, 8, groups=2), in_bits=7)),
        linear=linear,
        output_scale=1 / 3,
        provenance={"source": "test"},
    )


def test_round_trip_is_exact(network: IntegerNetwork, tmp_path: Path) -> None:
    save_network(network, tmp_path / "n.npz")
    loaded = load_network(tmp_path / "n.npz")
    for field in fields(IntegerNetwork):
        if field.name not in ("convs", "linear"):
            assert getattr(loaded, field.name) == getattr(network, field.name), field.name
    assert loaded.linear is not None
    assert network.linear is not None
    whole: tuple[IntegerConv | IntegerLinear, ...] = (*network.convs, network.linear)
    for got, expected in zip((*loaded.convs, loaded.linear), whole, strict=True):
        for field in fields(expected):
            a, b = getattr(got, field.name), getattr(expected, field.name)
            assert type(a) is type(b)
            assert np.array_equal(a, b), field.name
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


def test_a_network_without_a_linear_layer(network: IntegerNetwork, tmp_path: Path) -> None:
    save_network(replace(network, linear=None), tmp_path / "n.npz")
    assert not [name for name in np.load(tmp_path / "n.npz") if "linear" in name]
    loaded = load_network(tmp_path / "n.npz")
    assert loaded.linear is None
    assert (loaded.num_classes, loaded.output_scale) == (0, network.output_scale)


def test_same_network_same_bytes(
    network: IntegerNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_network(network, tmp_path / "a.npz")
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(1e9))
    save_network(network, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_foreign_and_damaged_files(network: IntegerNetwork, tmp_path: Path) -> None:
    path = tmp_path / "n.npz"
    with pytest.raises(InputError, match="no such file"):
        load_network(path)
    np.savez(path, weight=np.zeros(3))
    with pytest.raises(InputError, match="one array 'header' is needed; it holds weight"):
        load_network(path)
    save_network(network, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"not an \.npz archive, or truncated"):
        load_network(path)


@pytest.mark.parametrize(
    "change",
    [
        {"shift": 0},
        {"shift": 41},
        {"stride": 3},
        {"groups": 0},
        {"in_bits": 8},  # the layer before it has 7
        {"in_signed": True},
        {"out_bits": 9},
        {"weight_bits": 7},  # its weights need 8
        {"weight": np.full((8, 2, 3, 3), -128, np.int8)},
        {"bias": np.full(8, (1 << 31) - 1, np.int32)},  # no room for the products
        {"multiplier": np.full(8, 1 << 17, np.int32)},
        {"bias": np.zeros(7, np.int32)},
        {"weight": np.zeros((8, 3, 3, 3), np.int8)},
    ],
)
def test_inconsistent_networks_are_refused(
    network: IntegerNetwork, tmp_path: Path, change: dict[str, Any]
) -> None:
    bad = replace(network, convs=(network.convs[0], replace(network.convs[1], **change)))
    save_network(bad, tmp_path / "n.npz")
    with pytest.raises(InputError, match=r"stage1\.0"):
        load_network(tmp_path / "n.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_scale": 0.0}, "input_scale is 0.0; it is finite and above 0"),
        ({"output_scale": -1.0}, "output_scale is -1.0"),
        ({"std": (0.1, 0.0, 0.1)}, "std is not above 0"),
        ({"mean": (0.5,)}, "mean has 1 values for 3 channels"),
        ({"in_shape": (3, 8, 10**9)}, "in_shape .* is out of range"),
        ({"in_shape": (3, 0, 8)}, "in_shape .* is out of range"),
        ({"name": "two\nlines"}, "name is not one printable line"),
        ({"convs": ()}, "no convolutions"),
    ],
)
def test_what_a_network_says_of_its_input_is_checked(
    network: IntegerNetwork, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    save_network(replace(network, **change), tmp_path / "n.npz")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        load_network(tmp_path / "n.npz")


@pytest.mark.parametrize("name", ["stage0", "stage0;", "linear", "x" * 65, "\N{MIDDLE DOT}"])
def test_names_of_layers_are_identifiers_and_differ(
    network: IntegerNetwork, tmp_path: Path, name: str
) -> None:
    bad = replace(network, convs=(network.convs[0], replace(network.convs[1], name=name)))
    save_network(bad, tmp_path / "n.npz")
    with pytest.raises(InputError, match=r"is no name of a layer|stands there twice"):
        load_network(tmp_path / "n.npz")


def test_logits_that_do_not_fit_are_refused(network: IntegerNetwork, tmp_path: Path) -> None:
    assert network.linear is not None
    bias = np.array([5, -(1 << 31), (1 << 31) - 1], np.int32)
    save_network(replace(network, linear=replace(network.linear, bias=bias)), tmp_path / "n.npz")
    with pytest.raises(InputError, match="linear: its logits do not fit 32 bits"):
        load_network(tmp_path / "n.npz")


def test_a_header_and_its_arrays_belong_together(network: IntegerNetwork, tmp_path: Path) -> None:
    """One array more, one header's field less or of another type: each is named."""
    path = tmp_path / "n.npz"

    def written(**changes: object) -> None:
        save_network(network, path)
        with np.load(path) as archive:
            arrays = dict(archive)
        header = json.loads(arrays.pop("header").tobytes())
        header["convs"][1] |= changes
        text = json.dumps({key: value for key, value in header.items() if value != "gone"})
        np.savez(path, header=np.frombuffer(text.encode(), np.uint8), **arrays)

    written()
    load_network(path)
    written(shift=True)
    with pytest.raises(InputError, match=r"header: convs\[1\].shift: expected `int`, got `bool`"):
        load_network(path)
    written(shift=float("nan"))
    with pytest.raises(InputError, match="header: not JSON"):
        load_network(path)
    written(more=1)
    with pytest.raises(InputError, match=r"header: convs\[1\]: .*unknown field `more`"):
        load_network(path)
    save_network(network, path)
    with np.load(path) as archive:
        np.savez(tmp_path / "more.npz", surplus=np.zeros(3), **archive)
    with pytest.raises(InputError, match=r"'surplus\.npy' has no place in it"):
        load_network(tmp_path / "more.npz")
