"""Networks that are no checkpoint file (torch modules, ONNX, the hub), and what is said of unhealthy ones."""

from __future__ import annotations

import json
import logging
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trained_blocks as blocks
from click.testing import CliRunner
from torch import Tensor, nn

import repvgg_hw
from repvgg_hw.checkpoint import Imported, import_network, random_model, save_fused
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import Architecture

torch.set_num_threads(1)

SMALL = Architecture("custom", (8, 8, 12, 16), (1, 2, 3, 1), (1, 2, 2, 2), {2: 2, 4: 4}, 5, 3)


def assert_close(got: Imported, expected: Imported, tolerance: float = 1e-12) -> None:
    assert got.architecture == expected.architecture
    for ours, theirs in zip(got.convs, expected.convs, strict=True):
        np.testing.assert_allclose(ours.weight, theirs.weight, atol=tolerance)
        np.testing.assert_allclose(ours.bias, theirs.bias, atol=tolerance)
    np.testing.assert_allclose(got.linear_weight, expected.linear_weight)
    np.testing.assert_allclose(got.linear_bias, expected.linear_bias)


@pytest.fixture(scope="module")
def reference() -> Imported:
    return repvgg_hw.from_torch(random_model(SMALL, seed=0))


# --- torch modules -------------------------------------------------------------------------------------


def test_a_module_brings_its_strides_and_eps() -> None:
    module = random_model(SMALL, seed=0)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = 1e-3
    before = {key: value.clone() for key, value in module.state_dict().items()}
    got = repvgg_hw.from_torch(module.train())
    assert got.architecture == SMALL
    assert got.eps == 1e-3
    assert module.training
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


class Plain(nn.Sequential):
    """A chain of Conv, BN, ReLU without any RepVGG, with an activation and a pooling to vary."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU, pool: type[nn.Module] = nn.AdaptiveAvgPool2d):
        layers: list[nn.Module] = []
        for c_in, c_out, stride in ((3, 6, 1), (6, 6, 2), (6, 8, 1)):
            layers += [nn.Conv2d(c_in, c_out, 3, stride, 1), nn.BatchNorm2d(c_out), activation()]
        super().__init__(*layers, pool(1), nn.Flatten(), nn.Linear(8, 4))


def test_a_plain_sequential_imports_without_a_word_about_strides() -> None:
    got = repvgg_hw.from_torch(Plain())
    assert [conv.stride for conv in got.convs] == [1, 2, 1]
    assert {block.family for block in got.blocks} == {"conv + BN"}


class Chain(nn.Module):
    """Blocks with ReLU between, numbered, behind a prefix that is taken off: numbers stand inside, too."""

    def __init__(self, family: type[nn.Module]) -> None:
        super().__init__()
        strides = (1, 1, 2, 1)
        self.model = nn.ModuleList(family(3 if i == 0 else 6, 6, s, 1) for i, s in enumerate(strides))
        self.model.append(nn.Linear(6, 4))

    def forward(self, x: Tensor) -> Tensor:
        for block in list(self.model)[:-1]:
            x = torch.relu(block(x))
        return self.model[-1](x.mean((2, 3)))


# conv1 and conv2 of a numbered parent may be two layers
NUMBERED = [f for f in blocks.NETWORK_FAMILIES if f not in (blocks.RepConv, blocks.RepConvIdentity)]


@pytest.mark.parametrize("family", NUMBERED, ids=lambda family: family.__name__)
def test_modules_of_every_family(family: type[nn.Module]) -> None:
    torch.manual_seed(0)
    got = repvgg_hw.from_torch(blocks.trained(Chain(family)))
    assert [conv.stride for conv in got.convs] == [1, 1, 2, 1]


@pytest.mark.parametrize("options", [{"activation": nn.SiLU}, {"pool": nn.AdaptiveMaxPool2d}])
def test_what_key_names_cannot_show_is_seen_by_running_the_module(options: dict[str, Any]) -> None:
    with pytest.raises(CheckFailed, match="another activation, pooling or order"):
        repvgg_hw.from_torch(Plain(**options))


def test_different_eps_are_refused() -> None:
    module = Plain()
    module[1].eps = 1e-3
    with pytest.raises(InputError, match="different eps"):
        repvgg_hw.from_torch(module)


# --- ONNX ----------------------------------------------------------------------------------------------


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


# --- the hub -------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A stand-in for huggingface_hub: files by name, and the calls that were made."""

    class EntryNotFoundError(Exception):
        pass

    class LocalEntryNotFoundError(EntryNotFoundError):
        pass

    state = types.SimpleNamespace(files={}, calls=[], error=None, offline=LocalEntryNotFoundError)

    def download(repository: str, file: str, revision: str | None = None) -> str:
        state.calls.append((repository, file, revision))
        if state.error is not None:
            raise state.error
        if file not in state.files:
            raise EntryNotFoundError(file)
        return str(state.files[file])

    package, errors = types.ModuleType("huggingface_hub"), types.ModuleType("huggingface_hub.errors")
    package.hf_hub_download = download
    errors.EntryNotFoundError, errors.LocalEntryNotFoundError = EntryNotFoundError, LocalEntryNotFoundError
    monkeypatch.setitem(sys.modules, "huggingface_hub", package)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    return state


def test_hub_addresses(hub: types.SimpleNamespace, tmp_path: Path, reference: Imported) -> None:
    save_fused(tmp_path / "net.safetensors", reference)
    hub.files = {"model.safetensors": tmp_path / "net.safetensors"}
    assert import_network("hf://timm/repvgg_a0.rvgg_in1k@v1.0").architecture == SMALL
    assert hub.calls == [("timm/repvgg_a0.rvgg_in1k", "model.safetensors", "v1.0")]
    import_network(Path("hf://timm/repvgg_a0.rvgg_in1k/model.safetensors"))  # a Path drops one slash
    assert hub.calls[1] == ("timm/repvgg_a0.rvgg_in1k", "model.safetensors", None)


def test_hub_falls_back_to_the_pickle(hub: types.SimpleNamespace, tmp_path: Path) -> None:
    torch.save(random_model(SMALL).state_dict(), tmp_path / "pytorch_model.bin")
    hub.files = {"pytorch_model.bin": tmp_path / "pytorch_model.bin"}
    assert len(import_network("hf://a/b").convs) == 7


def test_hub_failures_end_in_one_line(hub: types.SimpleNamespace) -> None:
    for error, message in (
        (hub.offline("x"), "cannot be reached"),
        (OSError("proxy\nsaid no"), "proxy said no"),
    ):
        hub.error = error
        result = CliRunner().invoke(main, ["inspect", "hf://a/b"])
        assert result.exit_code == 2
        assert message in result.output
        assert result.output.count("\n") == 1
    hub.error = None
    with pytest.raises(InputError, match=r"has no model\.safetensors and no pytorch_model\.bin"):
        import_network("hf://a/b")
    with pytest.raises(InputError, match="hub addresses look like"):
        import_network("hf://only-one-part")


def test_hub_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install 'repvgg-hw\[hub\]'"):
        import_network("hf://a/b")


# --- findings and inspect ------------------------------------------------------------------------------


def unhealthy() -> dict[str, Tensor]:
    state = random_model(SMALL, seed=0).state_dict()
    for branch in ("rbr_dense.bn", "rbr_1x1.bn"):  # a channel that never moved
        state[f"stage2.0.{branch}.running_var"][3] = 1e-14
    state["stage2.1.rbr_identity.weight"][5] = 500.0
    state["stage3.0.rbr_1x1.bn.running_mean"].zero_()
    state["stage3.0.rbr_1x1.bn.running_var"].fill_(1)
    return state


def test_unhealthy_networks_are_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save(unhealthy(), tmp_path / "net.pth")
    with caplog.at_level(logging.WARNING):
        import_network(tmp_path / "net.pth")
    text = caplog.text
    assert "dead channels in stage2.0 (1)" in text
    assert "gamma/sigma outliers in stage2.0" in text  # the dead channel's, then the one of 500
    assert "stage2.1 (5" in text
    assert "look untrained in stage3.0 (1)" in text
    assert len(caplog.records) == 3


def test_healthy_networks_are_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save(random_model(SMALL).state_dict(), tmp_path / "net.pth")
    import_network(tmp_path / "net.pth")
    assert not caplog.records


def test_inspect(tmp_path: Path) -> None:
    torch.save(unhealthy() | {"stage1_aux.weight": torch.ones(3)}, tmp_path / "net.pth")
    arguments = ["inspect", str(tmp_path / "net.pth"), "--input-size", "32", "--strides", "1,2,2,2"]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert found["families"] == ["RepVGG"]
    assert found["unused_keys"] == ["stage1_aux.weight"]
    assert (found["parameters"], found["macs"]) == (SMALL.parameters(), SMALL.macs(32, 32))
    assert [layer["map"][0] for layer in found["layers"]] == [32, 16, 16, 8, 8, 8, 4]
    assert [layer["dead_channels"] for layer in found["layers"]] == [0, 0, 0, 1, 0, 0, 0]
    assert found["fused_minus_trained_relative"] < 1e-12
    assert len(found["findings"]) == 3
    table = CliRunner().invoke(main, arguments)
    assert table.exit_code == 0
    assert "stage3.0" in table.output
    assert "dead channels in stage2.0" in table.output


def test_inspect_shows_foreign_keys_that_fuse_refuses(tmp_path: Path) -> None:
    state = random_model(SMALL, seed=0).state_dict() | {"stage1.0.gate.weight": torch.ones(8)}
    torch.save(state, tmp_path / "net.pth")
    result = CliRunner().invoke(main, ["inspect", str(tmp_path / "net.pth"), "--json"])
    assert json.loads(result.output)["unused_keys"] == ["stage1.0.gate.weight"]


def test_models_lists_every_variant() -> None:
    result = CliRunner().invoke(main, ["models", "--json"])
    rows = {row["name"]: row for row in json.loads(result.output)["models"]}
    assert len(rows) == 14
    assert round(rows["A0"]["macs"] / 1e9, 3) == 1.361
    assert "B1g4" in CliRunner().invoke(main, ["models", "--input-size", "64"]).output
