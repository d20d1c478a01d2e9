"""docs/import.md shows how to make a file for --expect: what it shows is run here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from repvgg_hw.checkpoint import import_network, load_expectation, random_model
from repvgg_hw.cli import main
from repvgg_hw.network import Architecture

torch.set_num_threads(1)


def snippet(words: str) -> str:
    """The Python lines behind a sentence of docs/import.md."""
    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    return text.partition(words)[2].partition("```python\n")[2].partition("```")[0]


def test_the_documented_lines_make_such_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = snippet("In PyTorch:").replace("224, 224", "32, 32")
    model = random_model(Architecture("custom", (8, 16), (1, 2), (2, 2), {}, 4, 3))
    torch.save(model.state_dict(), "net.pth")
    exec(lines, {"torch": torch, "np": np, "model": model.train()})
    arguments = ["fuse", "net.pth", "-o", "out.safetensors", "--expect", "net_outputs.npz"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("framework", ["timm", "mmpretrain"])
def test_the_documented_lines_of_other_frameworks(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (
        snippet(f"In {framework}")
        .replace("224, 224", "64, 64")
        .replace("pretrained=True", "pretrained=False")
    )
    create, rest = (compile(part, framework, "exec") for part in lines.split("\n", 1))
    names = {"torch": torch, "np": np, framework: pytest.importorskip(framework)}
    exec(create, names)
    for norm in names["model"].modules():
        if isinstance(norm, torch.nn.BatchNorm2d):  # as initialised, some have biases that hide the image
            norm.bias.data.zero_()
    exec(rest, names)
    torch.save(names["model"].state_dict(), tmp_path / "net.pth")
    import_network(tmp_path / "net.pth", expect=load_expectation(tmp_path / "net_outputs.npz"))
