"""Images from disk: what is read, and one clear error for each kind of bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repvgg_hw.errors import InputError
from repvgg_hw.model.images import load_images, normalise, synthetic


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
    images = load_images(folder / "ant", channels=1, resize=8)
    assert images.labels is None
    assert images.pixels.shape == (4, 8, 8, 1)


def test_npz_round_trip_and_resize(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 6, 1), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=pixels, labels=np.arange(5))
    images = load_images(tmp_path / "set.npz", channels=1)
    assert np.array_equal(images.pixels, pixels)
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, 2, 3, 4]
    assert load_images(tmp_path / "set.npz", resize=9, channels=1).pixels.shape == (5, 9, 9, 1)


def bad_npz(tmp_path: Path, **arrays: np.ndarray) -> Path:
    np.savez(tmp_path / "bad.npz", **arrays)
    return tmp_path / "bad.npz"


GOOD = np.zeros((2, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": GOOD}, "no array named 'images'"),
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
    with pytest.raises(InputError, match=r"not a readable \.npz"):
        load_images(tmp_path / "text.npz")
    whole = (bad_npz(tmp_path, images=np.zeros((9, 40, 40, 3), np.uint8))).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"not a readable \.npz"):
        load_images(tmp_path / "cut.npz")
    with pytest.raises(InputError, match="at least 1 image"):
        load_images(folder, limit=0)


def test_corrupt_and_mixed_images_are_named(folder: Path) -> None:
    write(folder / "cat" / "9.png", 1, size=(5, 5))
    with pytest.raises(InputError, match=r"9\.png: 5x5 pixels, but 0\.png is 4x6"):
        load_images(folder)
    assert load_images(folder, resize=4).pixels.shape == (13, 4, 4, 3)
    png = (folder / "cat" / "9.png").read_bytes()
    (folder / "cat" / "9.png").write_bytes(png[:40])
    with pytest.raises(InputError, match=r"9\.png: not a readable image"):
        load_images(folder)


def test_normalise() -> None:
    pixels = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)
    assert normalise(pixels, (0.5,), (0.25,)).tolist() == [[[[-2.0, 2.0]]]]


def test_synthetic_images_are_seeded_and_use_the_range() -> None:
    pixels = synthetic(4, (3, 17, 33), seed=5)
    assert pixels.shape == (4, 17, 33, 3)
    assert np.array_equal(pixels, synthetic(4, (3, 17, 33), seed=5))
    assert not np.array_equal(pixels, synthetic(4, (3, 17, 33), seed=6))
    assert pixels.std() > 40
