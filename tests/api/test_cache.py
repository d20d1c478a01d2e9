"""What was quantized is not quantized again, and never is it another network's."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from repvgg_hw import quantize
from repvgg_hw.api import cache
from repvgg_hw.api.quantizer import Quantizer
from repvgg_hw.checkpoint import random_model, random_network
from repvgg_hw.cli import main
from repvgg_hw.design.network_digest import network_digest
from repvgg_hw.design.network_file import load_network, save_network
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import Architecture, FusedNetwork, IntegerNetwork
from repvgg_hw.quantize import Widths

SHAPE = Architecture("small", widths=(4, 4, 8), depths=(1, 1, 1), strides=(2, 2, 1), num_classes=5)
PIXELS = synthetic(6, (3, 16, 16), 1)
FUSED = replace(random_network(SHAPE, 1).fused, provenance={"source": "a.pth"})
PLAIN = Quantizer("minmax")
CONV = FUSED.convs[1]
assert FUSED.linear is not None
LINEAR = FUSED.linear


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that keeps everything."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "WORTH_SECONDS", 0.0)
    return tmp_path / "cache/repvgg-hw/quantized"


def files(place: Path) -> list[Path]:
    return sorted(place.glob("*")) if place.is_dir() else []


def written(network: IntegerNetwork, path: Path) -> bytes:
    save_network(network, path)
    return path.read_bytes()


def test_the_same_is_found_byte_for_byte(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = PLAIN.quantize(FUSED, PIXELS)
    assert not first.cached
    assert len(files(place)) == 1
    monkeypatch.setattr(quantize, "quantize", None)  # a call would be an error
    other_order = PLAIN.quantize(FUSED, PIXELS[::-1])
    assert other_order.cached
    assert written(other_order.network, tmp_path / "a.npz") == written(first.network, tmp_path / "b.npz")
    renamed = PLAIN.quantize(replace(FUSED, name="other", provenance={"source": "b.pth"}), PIXELS).network
    assert renamed.name == "other"
    assert renamed.provenance == first.network.provenance | {"source": "b.pth"}


def changed(array: Any) -> Any:
    """One number, in its last bit."""
    copy = array.copy()
    copy.flat[3] = np.nextafter(copy.flat[3], 9) if copy.dtype.kind == "f" else copy.flat[3] ^ 1
    return copy


def with_conv(**fields: Any) -> FusedNetwork:
    return replace(FUSED, convs=(FUSED.convs[0], replace(CONV, **fields), *FUSED.convs[2:]))


@pytest.mark.parametrize(
    ("quantizer", "fused", "pixels"),
    [
        (Quantizer("naive"), FUSED, PIXELS),
        (Quantizer("minmax", mean=(0.4, 0.4, 0.4)), FUSED, PIXELS),
        (Quantizer("minmax", std=(0.4, 0.4, 0.4)), FUSED, PIXELS),
        (Quantizer("minmax", weight_bits=7), FUSED, PIXELS),
        (Quantizer("minmax", activation_bits=7), FUSED, PIXELS),
        (Quantizer("minmax", bits=Widths(weight_of={"stage0": 6})), FUSED, PIXELS),
        (PLAIN, FUSED, changed(PIXELS)),
        (PLAIN, FUSED, PIXELS[:5]),
        (PLAIN, FUSED, PIXELS.reshape(6, 8, 32, 3)),
        (PLAIN, with_conv(weight=changed(CONV.weight)), PIXELS),
        (PLAIN, with_conv(bias=changed(CONV.bias)), PIXELS),
        (PLAIN, with_conv(stride=1), PIXELS),
        (PLAIN, with_conv(name="other"), PIXELS),
        (PLAIN, replace(FUSED, linear=replace(LINEAR, weight=changed(LINEAR.weight))), PIXELS),
        (PLAIN, replace(FUSED, linear=replace(LINEAR, bias=changed(LINEAR.bias))), PIXELS),
        (PLAIN, replace(FUSED, linear=None), PIXELS),
    ],
)
def test_whatever_enters_is_another_key(quantizer: Quantizer, fused: FusedNetwork, pixels: Any) -> None:
    PLAIN.quantize(FUSED, PIXELS)
    assert not quantizer.quantize(fused, pixels).cached
    assert quantizer.quantize(fused, pixels).cached


def test_code_libraries_and_machine_are_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    PLAIN.quantize(FUSED, PIXELS)
    code = tmp_path / "code.py"
    code.write_text("changed")
    for target, name, value in (
        (cache, "__version__", "9"),
        (np, "__version__", "9"),
        (torch, "__version__", "9"),
        (torch, "get_num_threads", lambda: threads + 1),
        (torch.backends.cpu, "get_cpu_capability", lambda: "none"),
        (cache, "_sources", lambda: iter([code])),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, value)
            assert not PLAIN.quantize(FUSED, PIXELS).cached, name
    assert PLAIN.quantize(FUSED, PIXELS).cached


def test_every_file_that_quantizes_is_among_the_sources() -> None:
    """Modules of this package that a quantization runs, beside those that only hold values or read files."""
    package = Path(quantize.__file__).parents[1]
    sources = {str(path.relative_to(package)) for path in cache._sources()}
    assert {f"quantize/{path.name}" for path in Path(quantize.__file__).parent.glob("*.py")} < sources
    assert {"golden.py", "network.py", "model/images.py"} < sources
    imports = {
        line.split()[1].removeprefix("repvgg_hw.").replace(".", "/")
        for name in sources
        if name.startswith("quantize/")
        for line in (package / name).read_text().splitlines()
        if line.startswith("from repvgg_hw.")
    }
    known = {"errors", "schema"} | {name.removesuffix(".py") for name in sources} | {"quantize"}
    assert imports <= known, "what decides about integers has moved: name it in cache.SOURCES"


def test_damaged_files_are_not_used(place: Path) -> None:
    expected = network_digest(PLAIN.quantize(FUSED, PIXELS).network)
    (kept,) = files(place)
    whole, rng = kept.read_bytes(), random.Random(1)
    for _ in range(60):
        content = bytearray(whole[: rng.choice([len(whole), len(whole), rng.randrange(len(whole))])])
        if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        kept.write_bytes(bytes(content))
        found = cache.find(kept.stem, FUSED)
        assert found is None or network_digest(found) == expected
    kept.unlink()
    kept.mkdir()
    assert not PLAIN.quantize(FUSED, PIXELS).cached  # and nothing can be kept


def test_a_readable_file_of_another_network_is_not_used(place: Path) -> None:
    network = PLAIN.quantize(FUSED, PIXELS).network
    (kept,) = files(place)
    inside = load_network(kept)
    for other in (
        replace(inside, convs=(replace(inside.convs[0], bias=inside.convs[0].bias + 1), *inside.convs[1:])),
        replace(inside, output_scale=2 * inside.output_scale),
        replace(inside, provenance={**inside.provenance, cache.KEY: "0" * 64}),
        replace(inside, provenance=network.provenance),
    ):
        save_network(other, kept)
        assert cache.find(kept.stem, FUSED) is None


def test_no_cache(place: Path) -> None:
    without = replace(PLAIN, cache=False)
    without.quantize(FUSED, PIXELS)
    assert files(place) == []
    PLAIN.quantize(FUSED, PIXELS)
    assert not without.quantize(FUSED, PIXELS).cached


def test_what_was_quick_is_not_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "WORTH_SECONDS", 1000.0)
    PLAIN.quantize(FUSED, PIXELS)
    assert files(place) == []


def test_what_was_used_longest_ago_makes_room(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quantizers = [replace(PLAIN, weight_bits=bits) for bits in (4, 5, 6, 7)]
    for age, quantizer in enumerate(quantizers[:3]):
        quantizer.quantize(FUSED, PIXELS)
        newest = max(files(place), key=lambda path: path.stat().st_ctime_ns)
        os.utime(newest, (1000 + age, 1000 + age))
    (place / ".x.npz.0123.partial").write_bytes(b"of a process that was killed")
    os.utime(place / ".x.npz.0123.partial", (1000, 1000))
    (place / ".y.npz.0123.partial").write_bytes(b"of one that writes")
    assert quantizers[0].quantize(FUSED, PIXELS).cached  # used: the second is the oldest now
    size = max(path.stat().st_size for path in files(place))
    monkeypatch.setattr(cache, "LARGEST", 3 * size)
    quantizers[3].quantize(FUSED, PIXELS)
    assert [path.name for path in files(place) if path.suffix == ".partial"] == [".y.npz.0123.partial"]
    found = [quantizers[i].quantize(FUSED, PIXELS).cached for i in (3, 2, 0, 1)]
    assert found == [True, True, True, False]


def test_many_at_once(place: Path) -> None:
    """Each gets the same integers, and what is kept is whole."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: PLAIN.quantize(FUSED, PIXELS), range(16)))
    assert len({network_digest(one.network) for one in found}) == 1
    (kept,) = files(place)
    assert cache.find(kept.stem, FUSED) is not None


@pytest.mark.parametrize("home", ["/proc/nowhere", ""])
def test_without_a_place_nothing_is_kept(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    if not home:
        monkeypatch.setattr(Path, "expanduser", lambda self: (_ for _ in ()).throw(RuntimeError))
    for _ in range(2):
        assert not PLAIN.quantize(FUSED, PIXELS).cached


def test_a_changed_plan_does_not_quantize_again(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(random_model(SHAPE, seed=1).state_dict(), "net.pth")
    np.savez("images.npz", images=PIXELS)
    words = ["generate", "--weights", "net.pth", "--calibration", "images.npz", "--method", "minmax"]
    first = CliRunner().invoke(main, [*words, "-o", "a", "--multipliers", "64"])
    began = time.time()
    second = CliRunner().invoke(main, [*words, "-o", "b", "--multipliers", "100"])
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert "quantize: done in" in first.stderr
    assert second.stderr.splitlines() == [
        "quantized earlier, from the same: --no-cache does it anew",
        "calibrated on 6 images: take a hundred or more",
    ]
    assert Path("a/network.npz").read_bytes() == Path("b/network.npz").read_bytes()
    assert files(place)[0].stat().st_mtime >= began - 1
    third = CliRunner().invoke(main, [*words, "-o", "c", "--no-cache"])
    assert "quantize: done in" in third.stderr
    assert Path("c/network.npz").read_bytes() == Path("a/network.npz").read_bytes()


def test_what_evaluate_quantized_generate_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(random_model(SHAPE, seed=1).state_dict(), "net.pth")
    np.savez("images.npz", images=PIXELS)
    np.savez("test.npz", images=synthetic(4, (3, 16, 16), 9), labels=np.arange(4))
    known = ("--calibration", "images.npz", "--method", "minmax")

    def run(command: str, *words: str) -> tuple[str, str]:
        done = CliRunner().invoke(main, [command, *words, *known])
        assert done.exit_code == 0, done.output
        return done.stdout, done.stderr

    earlier = "quantized earlier, from the same"
    assert earlier not in run("evaluate", "net.pth", "--data", "test.npz")[1]
    assert earlier in run("generate", "--weights", "net.pth", "-o", "a")[1]
    out, err = run("evaluate", "net.pth", "--data", "test.npz")
    assert earlier in err
    assert out.rstrip().endswith(" -")  # no seconds: nothing was quantized
    assert earlier not in run("evaluate", "net.pth", "--data", "test.npz", "--no-cache")[1]
