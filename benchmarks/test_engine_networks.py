"""One RTL, many networks: what benchmarks/engine_networks.py measures, as a test; of `make test-long`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.engine_networks import DATA, NAMES, row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the one engine; its simulator is built once."""
    return tmp_path_factory.mktemp("networks")


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_runs_it_by_an_image_alone(name: str, folder: Path) -> None:
    if name == "checkpoint" and not DATA.is_dir():
        pytest.skip("the checkpoint beside the project is not there")
    found = row(name, folder)
    assert found.problems == ()
    assert found.values > 0
    simulators = [path for path in (folder / "engine" / "build").iterdir() if path.name.startswith("sim")]
    assert len(simulators) == 1, "one build serves all"
