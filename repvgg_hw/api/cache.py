"""Integers that were found before: a design that is planned anew is not quantized anew.

A file for each network, in the user's cache folder, named by a digest of all that enters quantization: the
float network's numbers, the calibration images, mean and std, the recipe, the widths, the source code that
quantizes, the libraries under it and how they sum up. A change of any of them is another name; so there is
nothing to expire, and no file is ever wrong for its name. Names and provenance do not decide about integers:
they are the asking network's own.

What `evaluate` found of such integers lies beside them, in a file for each network and checkpoint, and goes
into the designs that are made of them.

Files are written whole or not at all; of those that are damaged, by their own digest, nothing is used. Beyond
LARGEST bytes the ones that were used longest ago go. Where the folder cannot be written nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import __version__
from repvgg_hw.design import accuracy
from repvgg_hw.design.network_digest import add, network_digest
from repvgg_hw.design.network_file import load_network, save_network
from repvgg_hw.errors import InputError
from repvgg_hw.network import FusedNetwork, IntegerNetwork

LARGEST = 1 << 31  # bytes of all files together: a dozen of the largest variant
WORTH_SECONDS = 2.0  # what was found faster is not kept
STALE_SECONDS = 3600.0  # after which an unfinished file belongs to nobody
SOURCES = ("quantize", "golden.py", "network.py", "model/images.py")  # that decide about integers
KEY, DIGEST = "cache_key", "cache_digest"


def cache_folder() -> Path | None:
    """Where they lie: `repvgg-hw/quantized` in $XDG_CACHE_HOME, or ~/.cache; None without a home."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    except RuntimeError:
        return None
    return base / "repvgg-hw" / "quantized"


def key(
    fused: FusedNetwork,
    pixels: NDArray[np.uint8],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    method: str,
    widths: Any,
    measure: bool = False,
) -> str:
    """SHA-256 of all that enters; pixels (N, H, W, C) uint8 in any order, which does not count."""
    from repvgg_hw.quantize.pipeline import canonical_order
    from repvgg_hw.quantize.recipe import recipe_named

    digest = hashlib.sha256()
    settings = {
        "version": __version__,
        "libraries": _libraries(),
        "mean": [float(value) for value in mean],
        "std": [float(value) for value in std],
        "method": method,
        "measure": measure,
        "recipe": asdict(recipe_named(method)),
        "widths": widths.to_json(),
        "layers": [(conv.name, conv.stride, conv.groups) for conv in fused.convs],
        "linear": fused.linear is not None,
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for path in _sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for conv in fused.convs:
        add(digest, conv.weight, conv.bias)
    if fused.linear is not None:
        add(digest, fused.linear.weight, fused.linear.bias)
    add(digest, pixels[canonical_order(pixels)])
    return digest.hexdigest()


def find(name: str, fused: FusedNetwork) -> IntegerNetwork | None:
    """The integers of that key for a network of the same numbers; None where there are none, or damaged."""
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / f"{name}.npz"
    try:
        network = load_network(path)
        kept = dict(network.provenance)
        whole = kept.pop(KEY) == name and kept.pop(DIGEST) == network_digest(network)
        kept["quantization"] = json.loads(kept["quantization"])
    except (InputError, OSError, KeyError, TypeError, ValueError):
        return None
    if not whole:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used: it is not the next one to go
    return replace(network, name=fused.name, provenance={**fused.provenance, **kept})


def keep(name: str, network: IntegerNetwork) -> None:
    """Keep the integers of that key, where there is a place; others that were used longer ago make room."""
    folder = cache_folder()
    if folder is None:
        return
    # As text, which keeps its order: a design of these integers is the same file, byte for byte, as at first.
    quantization = json.dumps(network.provenance["quantization"])
    told = {"quantization": quantization, KEY: name, DIGEST: network_digest(network)}
    with contextlib.suppress(OSError, InputError):
        save_network(replace(network, name="kept", provenance=told), folder / f"{name}.npz")
    _make_room(folder)


def keep_measured(measured: accuracy.Measured, network: IntegerNetwork) -> None:
    """Keep what was found of this network's accuracy; it takes the place of an earlier evaluation."""
    path = _measured_path(network)
    if path is not None:
        with contextlib.suppress(OSError, InputError):
            accuracy.save(measured, path)


def find_measured(network: IntegerNetwork) -> accuracy.Measured | None:
    """What `evaluate` last found of these integers, read from the same checkpoint; None where it did not."""
    path = _measured_path(network)
    if path is None or not path.is_file():
        return None
    with contextlib.suppress(OSError, InputError):
        return accuracy.read(path, network)
    return None


def _measured_path(network: IntegerNetwork) -> Path | None:
    """By the integers' numbers and the checkpoint, whose float accuracy stands there, too."""
    folder, checkpoint = cache_folder(), network.provenance.get("sha256")
    if folder is None or checkpoint is None:
        return None
    both = f"{network_digest(network)} {checkpoint}"
    return folder / f"{hashlib.sha256(both.encode()).hexdigest()}.json"


def _make_room(folder: Path) -> None:
    """Remove what was used longest ago until the rest has LARGEST bytes, and what kills left unfinished."""
    now, files = time.time(), []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.suffix in (".npz", ".json"):
                    files.append((status.st_mtime_ns, status.st_size, path))
                elif path.suffix == ".partial" and now - status.st_mtime > STALE_SECONDS:
                    path.unlink()
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= LARGEST:
            return
        with contextlib.suppress(OSError):
            path.unlink()  # who is reading it has it open, or finds nothing and quantizes
        total -= size


def _libraries() -> list[str]:
    """What sums up, and in which order it may: versions, threads, the processor's instructions."""
    import torch

    return [np.__version__, torch.__version__, str(torch.get_num_threads()), _instructions()]


def _instructions() -> str:
    import torch

    return str(torch.backends.cpu.get_cpu_capability())


def _sources() -> Iterator[Path]:
    """Files of this package that decide about integers, in order."""
    package = Path(__file__).resolve().parents[1]
    for name in SOURCES:
        place = package / name
        yield from sorted(place.glob("*.py")) if place.is_dir() else [place]
