"""What TensorBoard reads of a training is what its CSV file says."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from repvgg_hw.cli import main
from repvgg_hw.errors import InputError
from repvgg_hw.model.images import synthetic
from repvgg_hw.training.log import Log


def test_tensorboard_reads_what_the_table_says(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=synthetic(12, (3, 16, 16), 0), labels=np.arange(12) % 2)
    shape = ("--widths", "4,4,6", "--depths", "1,1,1")
    logs = ("--log", tmp_path / "log.csv", "--tensorboard", tmp_path / "events")
    given = ("--val", tmp_path / "set.npz", "--epochs", 3, "--batch-size", 4, *logs)
    words = ("train", tmp_path / "set.npz", *shape, *given, "-o", tmp_path / "net.pth")
    done = CliRunner().invoke(main, [*map(str, words)])
    assert done.exit_code == 0, done.output
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    names = {*rows[0]} - {"epoch", "step"}
    assert {*events.Tags()["scalars"]} == names
    for name in names:
        found = [(event.step, event.value) for event in events.Scalars(name)]
        told = [(int(row["step"]), pytest.approx(float(row[name]), rel=1e-6)) for row in rows]
        assert found == told, name


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="needs the package tensorboard: pip install tensorboard"):
        Log(None, tmp_path / "events")
