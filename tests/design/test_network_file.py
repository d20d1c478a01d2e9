"""Saving and loading an integer network: exact, deterministic, and strict about what it reads."""

from __future__ import annotations

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
        convs=(conv("stage0", 3, 4, in_signed=True), conv("stage1.0", 4, 8, groups=2)),
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
    with pytest.raises(InputError, match="not an integer network"):
        load_network(path)
    save_network(network, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="not an integer network"):
        load_network(path)


@pytest.mark.parametrize(
    "change",
    [
        {"shift": 0},
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
