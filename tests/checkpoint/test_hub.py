"""Checkpoints from the Hugging Face hub, with a stand-in for its client."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from plain_networks import SMALL

import repvgg_hw
from repvgg_hw.checkpoint import Imported, import_network, random_model, save_fused
from repvgg_hw.cli import main
from repvgg_hw.errors import InputError

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def reference() -> Imported:
    return repvgg_hw.from_torch(random_model(SMALL, seed=0))


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
    vars(package).update(hf_hub_download=download)
    vars(errors).update(
        EntryNotFoundError=EntryNotFoundError, LocalEntryNotFoundError=LocalEntryNotFoundError
    )
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
