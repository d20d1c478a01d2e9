"""ONNX as PyTorch exports it: fused or with branches, refused where the network does not fit."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from plain_networks import SMALL, Plain, assert_close
from torch import nn

import repvgg_hw
from repvgg_hw.checkpoint import Imported, import_network, random_model
from repvgg_hw.errors import InputError

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def reference() -> Imported:
    return repvgg_hw.from_torch(random_model(SMALL, seed=0))


def export(module: nn.Module, path: Path, *, fold: bool = True) -> Path:
    mode = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.randn(1, 3, 32, 32),),
            str(path),
            dynamo=False,
            training=mode,
            do_constant_folding=fold,
        )
    return path


@pytest.mark.parametrize("fold", [True, False], ids=["BN folded by the exporter", "BN kept"])
def test_onnx_of_a_trained_network(fold: bool, tmp_path: Path, reference: Imported) -> None:
    pytest.importorskip("onnx")
    path = export(random_model(SMALL, seed=0), tmp_path / "net.onnx", fold=fold)
    got = import_network(path)
    assert got.naming == "onnx"
    assert_close(got, reference, 1e-5 if fold else 1e-9)  # the exporter folds in float32
    assert got.proof.relative < 1e-12


def test_onnx_of_a_fused_network(tmp_path: Path, reference: Imported) -> None:
    pytest.importorskip("onnx")
    got = import_network(export(reference.model(), tmp_path / "net.onnx"))
    assert_close(got, reference, 1e-5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m: m.__setitem__(2, nn.Sigmoid()), r"\(Sigmoid\)"),
        (lambda m: m.__setitem__(3, nn.Conv2d(6, 6, 5, 2, 2)), r"\(Conv\).*5x5"),
        (lambda m: m.__setitem__(3, nn.Conv2d(6, 6, 3, 3, 1)), r"\(Conv\).*strides"),
        (lambda m: m.__setitem__(3, nn.Conv2d(6, 6, 3, 2, 0)), r"\(Conv\).*pads"),
        (lambda m: m.__setitem__(5, nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))), r"\(MaxPool\)"),
        (lambda m: m.__setitem__(8, nn.Identity()), r"does not follow the last ReLU"),
        (
            lambda m: m.__setitem__(11, nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))),
            r"\(Relu\)",
        ),
    ],
)
def test_onnx_that_does_not_fit_is_refused_by_naming_the_node(
    change: Callable[[nn.Module], None], named: str, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    module = Plain()
    change(module)
    with pytest.raises(InputError, match=named):
        import_network(export(module, tmp_path / "net.onnx"))


def test_damaged_onnx(tmp_path: Path, reference: Imported) -> None:
    pytest.importorskip("onnx")
    path = export(reference.model(), tmp_path / "net.onnx")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="truncated"):
        import_network(path)
    with pytest.raises(InputError, match="carries eps and strides"):
        import_network(path, strides=(1,))


def test_onnx_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'repvgg-hw\[onnx\]'"):
        import_network(tmp_path / "net.onnx")
