"""Images from disk: what is read, and one clear error for each kind of bad input."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from repvgg_hw.errors import InputError
from repvgg_hw.model.images import checked_labels, load_images, normalise, planar, synthetic
from repvgg_hw.model.preprocessing import Preprocessing
from repvgg_hw.training.data import array_data

RESIZE = Preprocessing("resize", interpolation="bilinear")


def write(path: Path, value: int, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 2 * value, 3 * value)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, name in enumerate(("zebra", "ant", "cat")):
        for i in range(4):
            write(tmp_path / "set" / name / f"{i}.png", 10 * label + i)
    return tmp_path / "set"


def test_classes_are_the_sorted_folder_names(folder: Path) -> None:
    images = load_images(folder)
    assert images.pixels.shape == (12, 4, 6, 3)
    assert images.pixels.dtype == np.uint8
    assert images.labels is not None
    assert images.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert images.names[0] == "ant/0.png"
    assert images.pixels[:, 0, 0].tolist()[4] == [20, 40, 60]  # cat/0: 10 * 2 + 0


def test_limit_takes_a_share_of_every_class(folder: Path) -> None:
    images = load_images(folder, limit=3)
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, 2]


def test_a_flat_folder_has_no_labels(folder: Path) -> None:
    images = load_images(folder / "ant", channels=1, size=(8, 9), preprocessing=RESIZE)
    assert images.labels is None
    assert images.pixels.shape == (4, 8, 9, 1)


def test_npz_round_trip_and_resize(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 6, 1), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=pixels, labels=np.arange(5))
    images = load_images(tmp_path / "set.npz", channels=1)
    assert np.array_equal(images.pixels, pixels)
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, 2, 3, 4]
    resized = load_images(tmp_path / "set.npz", channels=1, size=(9, 8), preprocessing=RESIZE)
    assert resized.pixels.shape == (5, 9, 8, 1)


def bad_npz(tmp_path: Path, **arrays: Any) -> Path:
    np.savez(tmp_path / "bad.npz", **arrays)
    return tmp_path / "bad.npz"


GOOD = np.zeros((2, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": GOOD}, "one array 'images' is needed; it holds pictures"),
        ({"images": GOOD.astype(np.float32)}, "must be uint8"),
        ({"images": GOOD[0]}, r"must be \(N, H, W, C\)"),
        ({"images": GOOD[:0]}, r"must be \(N, H, W, C\) with N > 0"),
        ({"images": GOOD[..., :1]}, "1 channels, the network takes 3"),
        ({"images": GOOD, "labels": np.zeros(3, np.int64)}, "'labels' must be 2 integers"),
        ({"images": GOOD, "labels": np.zeros(2)}, "'labels' must be 2 integers"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_images(bad_npz(tmp_path, **arrays))


def test_bad_paths(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_images(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no images there"):
        load_images(tmp_path / "empty")
    (tmp_path / "text.npz").write_text("not a zip")
    with pytest.raises(InputError, match=r"not an \.npz archive, or truncated"):
        load_images(tmp_path / "text.npz")
    whole = (bad_npz(tmp_path, images=np.zeros((9, 40, 40, 3), np.uint8))).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"not an \.npz archive, or truncated"):
        load_images(tmp_path / "cut.npz")
    with pytest.raises(InputError, match="at least 1 image"):
        load_images(folder, limit=0)


def test_corrupt_and_mixed_images_are_named(folder: Path) -> None:
    write(folder / "cat" / "9.png", 1, size=(5, 5))
    with pytest.raises(InputError, match=r"9\.png: 5x5 pixels, but 0\.png is 4x6"):
        load_images(folder)
    assert load_images(folder, size=(4, 4), preprocessing=RESIZE).pixels.shape == (13, 4, 4, 3)
    png = (folder / "cat" / "9.png").read_bytes()
    (folder / "cat" / "9.png").write_bytes(png[:40])
    with pytest.raises(InputError, match=r"9\.png: not a readable image"):
        load_images(folder)


def test_images_of_another_size_are_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    assert load_images(folder, size=(4, 6)).pixels.shape == (12, 4, 6, 3)
    with pytest.raises(InputError, match="images are 4x6 pixels, the input is 6x4: --preprocess"):
        load_images(folder, size=(6, 4))
    with pytest.raises(InputError, match="images are 4x4 pixels, the input is 4x6"):
        load_images(bad_npz(tmp_path, images=GOOD), size=(4, 6))
    with pytest.raises(InputError, match="--preprocess resize needs the size: give --input-size"):
        load_images(folder, preprocessing=RESIZE)


@pytest.mark.parametrize(("labels", "found"), [([0, 3], "0 to 3"), ([-1, 2], "-1 to 2")])
def test_labels_out_of_range_are_refused(tmp_path: Path, labels: list[int], found: str) -> None:
    images = load_images(bad_npz(tmp_path, images=GOOD, labels=np.array(labels)))
    with pytest.raises(InputError, match=f"labels run from {found}, but the network has 3 classes"):
        checked_labels(images, 3)
    assert checked_labels(load_images(bad_npz(tmp_path, images=GOOD, labels=np.array([0, 2]))), 3).max() == 2


def test_folders_are_labels_only_where_they_are_as_many_as_the_classes(folder: Path) -> None:
    images = load_images(folder, limit=1)  # one image, yet three folders
    assert checked_labels(images, 3).tolist() == [0]
    for classes in (2, 4, 1000):
        with pytest.raises(InputError, match=r"3 class folders \(ant, cat, zebra\).*--class-index"):
            checked_labels(images, classes)


def test_class_folders_that_lie_deeper_are_pointed_at(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for name in ("ant", "bee", "cat"):
            write(tmp_path / split / name / "0.png", 1)
    message = r"2 class folders \(train, val\).*deeper: give the folder that holds them, as train, val"
    with pytest.raises(InputError, match=message):
        checked_labels(load_images(tmp_path), 3)
    assert len(checked_labels(load_images(tmp_path / "val"), 3)) == 3


def test_a_flat_folder_has_no_labels_and_is_named(tmp_path: Path) -> None:
    write(tmp_path / "0.png", 1)
    with pytest.raises(InputError, match=r"needs labels, and 0\.png has none: give a folder"):
        checked_labels(load_images(tmp_path), 3)


def test_system_folders_are_no_classes_and_an_empty_one_keeps_its_place(folder: Path) -> None:
    write(folder / ".cache" / "0.png", 1)
    write(folder / "__MACOSX" / "0.png", 1)
    (folder / "bee").mkdir()
    images = load_images(folder)
    assert images.folders == ("ant", "bee", "cat", "zebra")
    assert checked_labels(images, 4).tolist() == [0] * 4 + [2] * 4 + [3] * 4


def test_normalise() -> None:
    pixels = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    assert normalise(pixels, (0.5,), (0.25,)).tolist() == [[[[-2.0, 2.0]]]]


def test_synthetic_images_are_seeded_and_use_the_range() -> None:
    pixels = synthetic(4, (3, 17, 33), seed=5)
    assert pixels.shape == (4, 17, 33, 3)
    assert np.array_equal(pixels, synthetic(4, (3, 17, 33), seed=5))
    assert not np.array_equal(pixels, synthetic(4, (3, 17, 33), seed=6))
    assert pixels.std() > 40


@pytest.mark.parametrize("kind", ["pipe", "broken link", "loop of links"])
def test_what_is_called_as_an_image_and_is_no_file_is_refused(folder: Path, kind: str) -> None:
    """Neither waited for, as a pipe would be, nor left out in silence."""
    place = folder / "cat" / "7.png"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("nowhere" if kind == "broken link" else place.name)
    with pytest.raises(InputError, match=r"7\.png: a broken link, a pipe or a device"):
        load_images(folder)


def test_more_pixels_than_pillow_warns_of_are_an_error(folder: Path) -> None:
    """A header of 10,000 x 10,000 pixels: Pillow would warn, and take the memory."""
    png = (folder / "cat" / "0.png").read_bytes()
    start = png[:16] + struct.pack(">II", 10_000, 10_000) + png[24:29]
    (folder / "cat" / "0.png").write_bytes(start + struct.pack(">I", zlib.crc32(start[12:])) + png[33:])
    with pytest.raises(InputError, match=r"0\.png: not a readable image \(Image size \(100000000 pixels\)"):
        load_images(folder)


def test_an_npz_is_read_by_the_loader_with_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects, a lone .npy by that name, and more bytes than the limit, each in one line."""
    with pytest.raises(InputError, match="images holds Python objects"):
        load_images(bad_npz(tmp_path, images=np.array([{}], object)))
    with (tmp_path / "lone.npz").open("wb") as file:
        np.save(file, GOOD)
    with pytest.raises(InputError, match=r"lone\.npz: not an \.npz archive"):
        load_images(tmp_path / "lone.npz")
    monkeypatch.setattr("repvgg_hw.model.images.MAX_NPZ_BYTES", 100)
    with pytest.raises(InputError, match="the limit is 100"):
        load_images(bad_npz(tmp_path, images=GOOD))


@pytest.mark.parametrize("channels", [1, 3])
def test_planes_have_the_strides_of_their_shape(channels: int) -> None:
    """Of one channel, too: with another stride PyTorch's gradients overwrite memory."""
    pixels = np.arange(2 * 5 * 4 * channels, dtype=np.uint8).reshape(2, 5, 4, channels)
    for made in (planar(pixels), normalise(pixels, (0.5,) * channels, (0.25,) * channels)):
        assert made.strides == np.zeros((2, channels, 5, 4), made.dtype).strides
    assert (planar(pixels) == pixels.transpose(0, 3, 1, 2)).all()
    assert array_data(pixels, np.array([0, 1])).batch(np.array([1, 0])).stride() == (20 * channels, 20, 4, 1)
