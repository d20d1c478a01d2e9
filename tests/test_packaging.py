"""The wheel holds the package, templates/ and sim/, nothing else, and finds them without a checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ("templates", "sim")
LEFTOVERS = (
    "repvgg_hw/__pycache__/plan.cpython-310.pyc",
    "sim/__pycache__/tb_top.cpython-310.pyc",
    "build/net/design.json",
    "dist/old.whl",
)


def files_below(folder: Path) -> set[str]:
    """Relative paths of all files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from, without anything that running has left behind."""
    copy = tmp_path_factory.mktemp("source")
    clean = shutil.ignore_patterns("__pycache__", "*.partial")
    for folder in ("repvgg_hw", *DATA):
        shutil.copytree(ROOT / folder, copy / folder, ignore=clean)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked; built from a tree in which builds and simulations have left their traces."""
    expected = files_below(source)
    for leftover in LEFTOVERS:
        (source / leftover).parent.mkdir(parents=True, exist_ok=True)
        (source / leftover).write_text("left behind")
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for leftover in LEFTOVERS:
        (source / leftover).unlink()
    assert files_below(source) == expected, "building left files in the source tree"
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(out / "unpacked")
    return out / "unpacked"


def test_wheel_holds_exactly_the_package_and_its_data(source: Path, wheel: Path) -> None:
    expected = {f"repvgg_hw/{name}" for name in files_below(source / "repvgg_hw")}
    for folder in DATA:
        expected |= {f"repvgg_hw/_data/{folder}/{name}" for name in files_below(source / folder)}
    packed = {name for name in files_below(wheel) if ".dist-info/" not in name}
    assert packed == expected
    assert any(name.endswith(".sv") for name in packed)
    assert any(name.endswith(".sv.j2") for name in packed)


def test_wheel_carries_its_licence_and_command(wheel: Path) -> None:
    (info,) = wheel.glob("*.dist-info")
    assert "repvgg-hw = repvgg_hw.cli:main" in (info / "entry_points.txt").read_text()
    assert (info / "licenses" / "LICENSE").is_file()


def test_wheel_finds_its_data_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    code = "from repvgg_hw.paths import sim_dir, templates_dir; print(templates_dir()); print(sim_dir())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    data = wheel / "repvgg_hw" / "_data"
    assert done.stdout.split() == [str(data / name) for name in DATA]
