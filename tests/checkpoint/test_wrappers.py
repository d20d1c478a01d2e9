"""What trainers save around a state dict: wrappers, averages, passengers and objects that are no tensors."""

from __future__ import annotations

import argparse
import collections
import datetime
import enum
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plain_networks import SMALL
from safetensors.torch import save_file
from torch import Tensor

from repvgg_hw.checkpoint import Imported, import_network, random_model
from repvgg_hw.errors import InputError

State = dict[str, Tensor]
STRIDES = (1, 2, 2, 2)


@pytest.fixture(scope="module")
def state() -> State:
    return dict(random_model(SMALL, seed=0).state_dict())


@pytest.fixture(scope="module")
def other() -> State:
    return dict(random_model(SMALL, seed=1).state_dict())


def read(content: Any, folder: Path, **assume: str) -> Imported:
    torch.save(content, folder / "net.pth")
    return import_network(folder / "net.pth", strides=STRIDES, assume=assume)


def assert_is(got: Imported, state: State) -> None:
    """Is it the network of state? Told by its linear layer and by its first kernel."""
    assert got.linear is not None
    np.testing.assert_array_equal(got.linear.weight, state["linear.weight"].numpy())
    weight, bn = state["stage0.rbr_dense.conv.weight"].numpy(), "stage0.rbr_dense.bn"
    scale = state[f"{bn}.weight"].numpy() / np.sqrt(state[f"{bn}.running_var"].numpy() + 1e-5)
    corner = got.convs[0].weight[:, :, 0, 0]  # the 1x1 branch is in the centre
    np.testing.assert_allclose(corner, weight[:, :, 0, 0] * scale[:, None], rtol=1e-5)


def averaged(state: State) -> dict[str, Any]:
    """What torch.optim.swa_utils.AveragedModel saves."""
    return {"n_averaged": torch.tensor(7)} | {f"module.{key}": value for key, value in state.items()}


WRAPPERS: dict[str, Callable[[State], Any]] = {
    "net, acc, epoch": lambda s: {"net": s, "acc": 91.2, "epoch": 7},
    "network": lambda s: {"network": s},
    "weights": lambda s: {"weights": s, "meta": {"mean": [0.5]}},
    "module": lambda s: {"module": s, "global_steps": 3},
    "a name of one's own": lambda s: {"my_backbone": {"inner": s}},
    "an empty average": lambda s: {"state_dict": s, "model_ema": {}},
    "AveragedModel": averaged,
    "an optimizer": lambda s: {
        "model": s,
        "optimizer": {"state": {0: {"exp_avg": torch.ones(8, 3, 3, 3)}}, "param_groups": [{"lr": 0.1}]},
        "optimizer_state_dict": {"momentum": {"w": torch.ones(8, 3, 3, 3)}},
    },
    "the same twice": lambda s: {"model": s, "best_model": dict(s)},
    "a profiler's counters": lambda s: s | {"total_ops": torch.ones(1), "stage0.total_params": torch.ones(1)},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_and_passengers_come_off(wrapper: str, state: State, tmp_path: Path) -> None:
    got = read(WRAPPERS[wrapper](state), tmp_path)
    assert_is(got, state)
    assert "weights" not in {assumption.subject for assumption in got.assumptions}  # there was no choice


@pytest.mark.parametrize(
    ("raw", "average"),
    [
        ("model", "model_ema"),
        ("net", "ema_net"),
        ("state_dict", "state_dict_ema"),
        ("params", "params_ema"),
        ("model", "swa_model"),
    ],
)
def test_averaged_weights_win_and_that_is_said(
    raw: str, average: str, state: State, other: State, tmp_path: Path
) -> None:
    for content in ({raw: other, average: state}, {raw: other, average: averaged(state)}):
        got = read(content, tmp_path)
        assert_is(got, state)
        (said,) = (a for a in got.assumptions if a.subject == "weights")
        assert said.value == average
        assert raw in said.rule
    assert_is(read({raw: other, average: state}, tmp_path, weights=raw), other)


def without_buffers(state: State) -> State:
    return {key: value for key, value in state.items() if "running" not in key}


SEVERAL: dict[str, Callable[[State, State], Any]] = {
    "generator": lambda a, b: {"generator": a, "discriminator": b},
    "student": lambda a, b: {"student": a, "teacher": b},
    "model": lambda a, b: {"model": a, "best_model": b},
    "net": lambda a, b: {"net": a, "net_ema": b, "net_swa": b | {"linear.bias": b["linear.bias"] + 1}},
    "raw": lambda a, b: {"raw": a, "ema": without_buffers(b)},  # an average of parameters alone
    "weights": lambda a, b: {"weights": a, "ema": [value for value in b.values() if value.ndim > 0]},
}


@pytest.mark.parametrize("first", SEVERAL)
def test_several_networks_are_refused_and_named(
    first: str, state: State, other: State, tmp_path: Path
) -> None:
    content = SEVERAL[first](state, other)
    with pytest.raises(InputError) as refused:
        read(content, tmp_path)
    for name in content:
        assert name in str(refused.value)
    assert "--assume weights=" in str(refused.value)
    assert_is(read(content, tmp_path, weights=first), state)
    with pytest.raises(InputError, match="weights=nobody: there are"):
        read(content, tmp_path, weights="nobody")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_networks_side_by_side_under_prefixes(
    suffix: str, state: State, other: State, tmp_path: Path
) -> None:
    file = tmp_path / f"net{suffix}"
    write = torch.save if suffix == ".pth" else save_file

    def flat(first: str, second: str) -> State:
        both = {f"{first}.{key}": value for key, value in state.items()}
        return both | {f"{second}.{key}": value.clone() for key, value in other.items()}

    write(flat("student", "teacher"), file)
    with pytest.raises(InputError, match=r"student, teacher; decide with --assume weights=student\|teacher"):
        import_network(file, strides=STRIDES)
    assert_is(import_network(file, strides=STRIDES, assume={"weights": "teacher"}), other)
    write(flat("ema_model", "model"), file)
    assert_is(import_network(file, strides=STRIDES), state)


class Mode(enum.Enum):
    FAST = 1


class Config(dict[str, Any]):
    """A configuration as libraries define their own."""


class Settings:
    def __init__(self) -> None:
        self.lr = 0.1


OBJECTS: dict[str, Any] = {
    "Namespace": argparse.Namespace(lr=0.1, out=Path("runs/1")),
    "enum": Mode.FAST,
    "dictionary class": Config(lr=0.1, inner=Config(depth=2)),
    "object": Settings(),
    "NumPy scalar": np.float64(91.2),
    "NumPy array": np.arange(3),
    "default dictionary": collections.defaultdict(int, epoch=3),
    "date": datetime.datetime(2026, 7, 30),
    "class": torch.nn.ReLU,
    "set": {1, 2},
    "frozen set": frozenset({1}),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_objects_beside_the_weights_are_read_over(kind: str, state: State, tmp_path: Path) -> None:
    assert_is(read({"model": state, "args": OBJECTS[kind]}, tmp_path), state)


class Call:
    """A pickle that calls something when it is loaded without care."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call(os.system, "touch went-off"), "system"),
        (Call(Path.write_text, Path("went-off"), "boom"), "getattr"),
        (Call(subprocess.Popen, ["touch", "went-off"]), "Popen"),
        (Call(eval, "1"), "eval"),
    ],
)
def test_no_function_of_a_file_is_called(
    call: Call, named: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"holds more than tensors \(.*{named}"):
        read({"model": state, "hook": call}, tmp_path)
    assert not (tmp_path / "went-off").exists()


def test_objects_in_place_of_weights_are_named(state: State, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no tensors.*Conv2d.*save the state_dict"):
        read({"model": torch.nn.Conv2d(1, 1, 3)}, tmp_path)
    arrays = {"linear.weight": np.ones(3), **{k: v for k, v in state.items() if k != "linear.weight"}}
    with pytest.raises(InputError, match=r"linear\.weight is a numpy.*, not a tensor"):
        read(arrays, tmp_path)
