"""Damaged, foreign and hostile files end in one line and exit code 2, and nothing is written."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from small_checkpoint import State, small_state

from repvgg_hw.cli import main


@pytest.fixture(scope="module")
def state() -> State:
    return small_state()


def write(name: str, content: bytes) -> Callable[[Path, State], Path]:
    def make(folder: Path, _: State) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def saved(change: Callable[[State], Any]) -> Callable[[Path, State], Path]:
    def make(folder: Path, state: State) -> Path:
        torch.save(change(dict(state)), folder / "net.pth")
        return folder / "net.pth"

    return make


def truncated(suffix: str) -> Callable[[Path, State], Path]:
    def make(folder: Path, state: State) -> Path:
        path = folder / f"net{suffix}"
        save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return make


class Bomb:
    """A pickle that runs a command when it is loaded without weights_only."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (Path("bomb-went-off"), "boom")


def compressed(folder: Path, state: State) -> Path:
    torch.save(state, folder / "plain.pth")
    packed = zipfile.ZipFile(folder / "net.pth", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(folder / "plain.pth") as plain, packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    return folder / "net.pth"


def nan(state: State) -> State:
    state["stage1.0.rbr_dense.conv.weight"] = state["stage1.0.rbr_dense.conv.weight"].clone()
    state["stage1.0.rbr_dense.conv.weight"][1, 2, 0, 1] = float("nan")
    return state


def without(key: str) -> Callable[[State], State]:
    return lambda state: {k: v for k, v in state.items() if k != key}


BAD: dict[str, tuple[Callable[[Path, State], Path], str]] = {
    "no such file": (lambda folder, _: folder / "none.pth", "no such file"),
    "a folder": (lambda folder, _: folder, "a folder, where a file is needed"),
    "empty": (write("net.pth", b""), "empty"),
    "text": (write("net.pth", b"hello, world\n" * 50), "not a torch checkpoint"),
    "truncated pth": (truncated(".pth"), "truncated"),
    "truncated safetensors": (truncated(".safetensors"), "truncated"),
    "huge safetensors header": (write("net.safetensors", b"\xff" * 7 + b"\x00{}"), "header"),
    "code": (saved(lambda s: {"state_dict": s, "hook": Bomb()}), "more than tensors"),
    "a list": (saved(lambda s: [1, 2, 3]), "holds a list"),
    "no tensors": (saved(lambda s: {"epoch": 3}), "no tensors"),
    "compressed": (compressed, "compressed"),
    "an expanded view": (
        saved(lambda s: s | {"stage0.rbr_dense.conv.weight": torch.zeros(1).expand(1 << 40)}),
        "more than the file can hold",
    ),
    "sparse": (saved(lambda s: s | {"linear.bias": torch.ones(5).to_sparse()}), "not a plain dense"),
    "nan": (saved(nan), r"stage1\.0\.rbr_dense\.conv\.weight is not finite \(nan at \(1, 2"),
    "integers": (saved(lambda s: s | {"linear.bias": torch.ones(5).int()}), "linear.bias is int32"),
    "missing key": (
        saved(without("stage2.0.rbr_1x1.bn.running_var")),
        r"stage2\.0: key rbr_1x1\.bn\.running_var",
    ),
    "missing head": (saved(without("linear.weight")), "there is no linear layer .*--head none"),
    "foreign key": (saved(lambda s: s | {"stage1.0.gate.weight": torch.ones(8)}), r"gate\.weight"),
    "foreign module": (saved(lambda s: s | {"gru.weight_hh": torch.ones(8)}), "gru.*weight_hh"),
    "missing block": (
        saved(lambda s: {k: v for k, v in s.items() if not k.startswith("stage2")}),
        r"stage2 is not there: .* or a block is missing",
    ),
    "wrong head": (saved(lambda s: s | {"linear.weight": torch.ones(5, 9)}), "reads 9 features"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_end_in_one_line_and_exit_2(
    case: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make, message = BAD[case]
    path, out = make(tmp_path, state), tmp_path / "out.safetensors"
    result = CliRunner().invoke(main, ["fuse", str(path), "-o", str(out)])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    assert result.output.startswith("error: ")
    assert re.search(message, result.output), result.output
    assert not out.exists()
    assert not (tmp_path / "bomb-went-off").exists()


def test_an_unwritable_folder_ends_in_one_line_and_exit_2(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    (tmp_path / "file").write_text("not a folder")
    place = tmp_path / "file" / "out.safetensors"
    result = CliRunner().invoke(main, ["fuse", str(tmp_path / "net.pth"), "-o", str(place)])
    assert result.exit_code == 2
    assert f"{tmp_path / 'file'} is not a folder" in result.output
    assert result.output.count("\n") == 1
