"""What an interrupted proof leaves counts for the same proof alone, and is whole at any time."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repvgg_hw.design.proven import FILE, Proven
from repvgg_hw.design.results import Divergence

IMAGES = np.arange(48, dtype=np.int8).reshape(4, 3, 2, 2)


def proven(folder: Path, *, state: str | None = "a", about: tuple[Any, ...] = (0,), **more: Any) -> Proven:
    return Proven(folder, more.pop("images", IMAGES), state, about, **more)


def test_what_was_kept_counts_until_it_is_forgotten(tmp_path: Path) -> None:
    first = proven(tmp_path)
    assert (first.images, first.note) == (0, ())
    first.keep(2)
    first.keep(3, {"layer": "a"})
    first.keep(1)  # less than is known
    second = proven(tmp_path)
    assert second.images == 3
    assert second.note == ("resumed: 3 of 4 images were already proven",)
    second.forget()
    assert second.note, "what it began with stays true"
    assert proven(tmp_path).images == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    [
        {"state": "b"},
        {"about": (1,)},
        {"images": IMAGES[:3]},
        {"images": IMAGES + 1},
        {"images": IMAGES.reshape(4, 3, 4, 1)},
        {"fresh": True},
    ],
    ids=str,
)
def test_another_proof_is_not_this_one_and_takes_its_place(tmp_path: Path, other: dict[str, Any]) -> None:
    proven(tmp_path).keep(2)
    assert proven(tmp_path, **other).images == 0
    assert proven(tmp_path).images == 0


@pytest.mark.parametrize("state", [None])
def test_without_a_state_of_the_folder_nothing_is_kept(tmp_path: Path, state: str | None) -> None:
    proven(tmp_path, state=state).keep(2)
    assert list(tmp_path.iterdir()) == []
    proven(tmp_path).keep(2)
    assert proven(tmp_path, state=state).images == 0


@pytest.mark.parametrize("change", [{"proven": 5}, {"proven": 0}, {"proven": "3"}, {"rest": []}, {"more": 1}])
def test_what_does_not_fit_is_proven_again(tmp_path: Path, change: dict[str, Any]) -> None:
    proven(tmp_path).keep(2)
    content = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(content | change))
    assert proven(tmp_path).images == 0


def test_damaged_rest_is_proven_again(tmp_path: Path) -> None:
    proven(tmp_path).keep(2, {"layer": "x"})
    found = proven(tmp_path)
    nothing = Divergence("none", 0, 0, None, None, 0, 0)
    assert found.rest_as(Divergence, nothing) is nothing
    assert (found.images, found.note) == (0, ())


def test_a_full_disk_is_no_reason_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = proven(tmp_path)
    first.keep(1)

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    first.keep(2)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [FILE], "nothing half-written"
    assert proven(tmp_path).images == 1
