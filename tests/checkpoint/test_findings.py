"""What is said of unhealthy networks, and what `inspect` and `models` show."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from plain_networks import SMALL
from torch import Tensor

from repvgg_hw.checkpoint import import_network, random_model
from repvgg_hw.cli import main

torch.set_num_threads(1)


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
    assert "above 30 is hard on int8. dead: channels that no input changes" in table.output
    assert "not in the file: mean, deviation and size of the images" in table.output
    assert "--input-size" not in table.output.split("GMAC")[1].split(";")[0]
    unsized = CliRunner().invoke(main, arguments[:2])
    assert "GMAC at 224 x 224 (--input-size: at another);" in unsized.output


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
