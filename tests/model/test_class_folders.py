"""Which class a folder stands for: every form of index file, subsets, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repvgg_hw.errors import InputError
from repvgg_hw.model.class_folders import read_index
from repvgg_hw.model.images import checked_labels, load_images

FORMS = {
    "list": ["ant", "bee", "cat", "zebra"],
    "class_to_idx": {"zebra": 3, "cat": 2, "ant": 0, "bee": 1},
    "imagenet": {"0": ["n01", "ant"], "1": ["n02", "bee"], "2": ["n03", "cat"], "3": ["n04", "zebra"]},
    "by class": {"3": "zebra", "0": "ant", "2": "cat"},
    "records": [{"index": i, "wnid": f"n0{i}", "name": n} for i, n in [(3, "zebra"), (0, "ant"), (2, "cat")]],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three of the four classes: sorted, zebra would be class 2."""
    for name in ("zebra", "ant", "cat"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "set" / name / "0.png")
    return tmp_path / "set"


def index_file(folder: Path, content: object) -> Path:
    path = folder.parent / "classes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_maps_a_subset(folder: Path, form: str) -> None:
    images = load_images(folder, class_index=index_file(folder, FORMS[form]))
    assert images.names == ("ant/0.png", "cat/0.png", "zebra/0.png")
    assert checked_labels(images, 4).tolist() == [0, 2, 3]


def test_without_it_a_subset_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"3 class folders.*4 classes: --class-index"):
        checked_labels(load_images(folder), 4)


def test_an_index_of_more_classes_than_the_network_has_is_refused(folder: Path) -> None:
    images = load_images(folder, class_index=index_file(folder, FORMS["list"]))
    with pytest.raises(InputError, match="labels run from 0 to 3, but the network has 3 classes"):
        checked_labels(images, 3)


def test_two_folders_may_be_one_class(folder: Path) -> None:
    index = index_file(folder, {"ant": 0, "zebra": 0, "cat": 1})
    assert checked_labels(load_images(folder, class_index=index), 2).tolist() == [0, 1, 0]


def test_a_name_of_two_classes_is_refused_only_where_a_folder_has_it(folder: Path) -> None:
    """ImageNet has two cranes and two maillots."""
    index = {"0": ["n0", "ant"], "1": ["n1", "crane"], "2": ["n2", "crane"], "3": ["n3", "cat"], "4": "zebra"}
    path = index_file(folder, index)
    assert checked_labels(load_images(folder, class_index=path), 5).tolist() == [0, 3, 4]
    (folder / "cat").rename(folder / "crane")
    with pytest.raises(InputError, match=r"crane: .*gives this name to classes \[1, 2\]"):
        load_images(folder, class_index=path)


def test_a_folder_without_a_name_in_the_index_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"zebra: the class index .* does not name this folder"):
        load_images(folder, class_index=index_file(folder, ["ant", "cat"]))


def test_an_index_has_nothing_to_name_elsewhere(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(InputError, match="has its own labels"):
        load_images(tmp_path / "set.npz", class_index=index_file(folder, ["ant"]))
    with pytest.raises(InputError, match="no class folders"):
        load_images(folder / "ant", class_index=index_file(folder, ["ant"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no readable class index"),
        ('{"ant": 0, "ant": 1}', "'ant' stands there twice"),
        ("3", "a JSON list or object"),
        ([], "names no class"),
        ({}, "names no class"),
        ([1, 2], "entry 0 is neither a folder name"),
        ([{"name": "ant"}], "entry 0 is neither a folder name"),
        ({"ant": -1}, "'ant' is neither"),
        ({"ant": True}, "'ant' is neither"),
        ({"ant": "cat"}, "'ant' is neither"),
        ({"0": [1]}, "'0' is neither"),
    ],
)
def test_wrong_files(folder: Path, content: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_index(index_file(folder, content))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable class index"):
        read_index(tmp_path / "absent.json")
