"""doctor says what a machine lacks, with one line of advice each, and ends in 1 only for what is needed."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from repvgg_hw.cli import checks, main


def doctor(*arguments: str) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, ["doctor", *arguments])


def found(result: Result) -> dict[str, dict[str, Any]]:
    """What --json says, by name."""
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_a_whole_machine() -> None:
    result = doctor("--json")
    assert result.exit_code == 0, result.output
    names = found(result)
    assert {"python", "c++", "make", "perl", "torch", "verilator", "cocotb", "temporary folder"} <= set(names)
    assert names["torch"]["found"] == importlib.metadata.version("torch")
    assert json.loads(result.stdout)["ready"] is True
    table = doctor()
    assert table.exit_code == 0
    assert "torch" in table.stdout


def test_a_missing_tool_is_named_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "perl" else which(name))
    result = doctor()
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("perl: install perl")]
    assert found(doctor("--json"))["perl"]["ok"] is False


def test_a_tool_that_does_not_run_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> object:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", run)
    assert [check.ok for check in checks.tools()] == [False, False, False]


def test_packages_missing_and_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": "1.9.0", "numpy": "1.26.0", "click": "8.10", "onnx": None, "cocotb": None}
    real = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: versions[name] if name in versions else real(name))
    names = {check.name: check for check in checks.packages()}
    assert [names[name].ok for name in ("torch", "numpy", "click", "cocotb")] == [False, True, True, False]
    assert names["cocotb"].advice.startswith("pip install 'cocotb")
    assert not names["extra onnx"].ok
    assert not names["extra onnx"].needed
    result = doctor("--json")
    assert result.exit_code == 1


def test_a_missing_extra_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: None if name == "onnx" else real(name))
    result = doctor()
    assert result.exit_code == 0
    assert "extra onnx: pip install 'repvgg-hw[onnx]', for reading .onnx files" in result.stdout


def test_folders_and_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    cache = {check.name: check for check in checks.places()}["cache folder"]
    assert (cache.ok, cache.needed) == (False, False)
    monkeypatch.setattr(checks, "FREE_BYTES", 1 << 60)
    assert not checks._place("x", tmp_path / "not" / "yet", "").ok
    assert not (tmp_path / "not").exists()


def test_build_proves_a_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctor("--build", "--json")
    assert result.exit_code == 0, result.output
    assert "bit-exact" in found(result)["build"]["found"]
    assert list(tmp_path.iterdir()) == []  # nor is the last design remembered


def test_a_build_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = checks.Check("build", "a layer differs", False, advice="report this")
    monkeypatch.setattr(checks, "build_and_prove", lambda progress: wrong)
    result = doctor("--build")
    assert result.exit_code == 1
    assert "build: report this" in result.stdout
