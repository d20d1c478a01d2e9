"""Files of every format, damaged in many ways: an import works or ends in one line, never in a traceback."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from repvgg_hw.checkpoint import import_network, random_model
from repvgg_hw.errors import RepVGGHWError
from repvgg_hw.model.repvgg import RepVGG
from repvgg_hw.network import Architecture

torch.set_num_threads(1)

TINY = Architecture("custom", (4, 4, 6), (1, 1, 1), (2, 2, 2), {}, 3, 3)
HEADER = 3000  # bytes: where structure is dense


def onnx(module: RepVGG, path: Path) -> None:
    pytest.importorskip("onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.randn(1, 3, 16, 16),), str(path), dynamo=False)


WRITERS: dict[str, tuple[str, Callable[[RepVGG, Path], None]]] = {
    "zip": (".pth", lambda module, path: torch.save(module.state_dict(), path)),
    "legacy": (
        ".pth",
        lambda module, path: torch.save(module.state_dict(), path, _use_new_zipfile_serialization=False),
    ),
    "safetensors": (".safetensors", lambda module, path: save_file(module.state_dict(), path)),
    "onnx": (".onnx", onnx),
}


@pytest.mark.parametrize("form", WRITERS)
def test_damaged_files_never_end_in_a_traceback(form: str, tmp_path: Path) -> None:
    suffix, write = WRITERS[form]
    path = tmp_path / f"net{suffix}"
    write(random_model(TINY), path)
    assert import_network(path).architecture == TINY
    content, rng, lines = path.read_bytes(), random.Random(0), []
    for attempt in range(80):
        damaged = bytearray(content)
        region = len(content) if attempt % 2 else min(len(content), HEADER)
        for _ in range(rng.choice((1, 3, 30))):
            damaged[rng.randrange(region)] = rng.randrange(256)
        if attempt % 10 == 0:
            damaged = damaged[: rng.randrange(len(damaged))]
        path.write_bytes(damaged)
        try:
            import_network(path)
        except RepVGGHWError as error:
            lines.append(str(error))
    assert len(lines) > 40
    assert not any("\n" in line for line in lines)
