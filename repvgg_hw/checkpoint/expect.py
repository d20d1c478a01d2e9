"""The proof from outside: outputs that another framework computed, against the imported network's.

Trained and fused network are compared by `fuse.proof`; both come from one reading of the file, so a wrong
stride or order of blocks is in both of them. What the user's own framework gave is not.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from repvgg_hw.checkpoint.diagnosis import Others, cause
from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.run import Floats, batched_outputs, input_sizes
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import sha256
from repvgg_hw.npz import read_npz

_log = logging.getLogger(__name__)

# Relative to the largest |y|. Float32 leaves 1e-7 to 1e-5 in a network of this depth, TF32 and half precision
# 1e-3; an eps of 1e-3 in place of 1e-5 changes a layer by 5e-4 / variance, anything else by far more.
TOLERANCE = 1e-4
_REDUCED_PRECISION = 5e-3  # below it, a difference may come from TF32 or half precision


@dataclass(frozen=True)
class Expectation:
    """Images and what another framework made of them in eval mode.

    x  (N, C, H, W) float64, as the network sees them: normalised
    y  (N, classes) float64, logits; (N, C', H', W'), the last map, of a network without a linear layer
    """

    x: Floats
    y: Floats
    source: str  # a file's name, or what else made y
    tolerance: float = TOLERANCE  # largest |difference| over largest |y|
    sha256: str | None = None  # of the file
    advice: str | None = None  # what to look at if it does not hold, in place of what is usual for files
    diagnose: bool = True  # if it does not hold, look for a variant of the network that gives y
    others: Others = tuple  # variants that only the reader of a file can make, and the words for them


@dataclass(frozen=True)
class Agreement:
    """A passed comparison: the largest difference and where it is."""

    source: str
    images: int
    input_size: tuple[int, int]
    difference: float
    magnitude: float  # largest |y|
    tolerance: float
    at: tuple[int, ...]  # image, output (and row, column of a map)
    expected: float
    got: float
    unseen_strides: tuple[str, ...]  # layers on 1x1 maps, where no stride can be told
    sha256: str | None = None

    @property
    def relative(self) -> float:
        """Largest difference over largest |y|."""
        return self.difference / self.magnitude if self.magnitude else self.difference

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON, without the machine's paths."""
        return {
            "file": Path(self.source).name,
            "sha256": self.sha256,
            "images": self.images,
            "input_size": list(self.input_size),
            "difference": self.difference,
            "magnitude": self.magnitude,
            "relative": self.relative,
            "tolerance": self.tolerance,
            "at": list(self.at),
            "expected": self.expected,
            "got": self.got,
            "unseen_strides": list(self.unseen_strides),
        }


def describe(record: Mapping[str, Any]) -> str:
    """One line for people of what Agreement.to_json recorded."""
    text = (
        f"equal to {record['file']}: largest difference {record['difference']:.1e} of "
        f"{record['magnitude']:.3g} (relative {record['relative']:.1e}, limit {record['tolerance']:.0e}) "
        f"at {place(record['at'])}"
    )
    if record["unseen_strides"]:
        text += f"; maps of 1x1 do not show the strides of {', '.join(record['unseen_strides'])}"
    return text


def place(at: Sequence[int]) -> str:
    """(3, 7) -> "image 3, output 7"; of a map also row and column."""
    names = ("image", "channel" if len(at) == 4 else "output", "row", "column")
    return ", ".join(f"{name} {index}" for name, index in zip(names, at, strict=False))


def load_expectation(path: Path, tolerance: float | None = None) -> Expectation:
    """Read an .npz with x (N, C, H, W) and y (N, classes), both floating point.

    Raises InputError for any other file, and for one against which no network could fail.
    """
    tolerance = TOLERANCE if tolerance is None else tolerance
    if not 0 < tolerance < 1:  # also refuses nan
        raise InputError(f"--tolerance is relative to the largest |y|, between 0 and 1, not {tolerance}")
    arrays = read_npz(path, ("x", "y"))
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise InputError(
                f"{path}: {name} is {array.dtype}; floating point is needed, x as the network sees it"
            )
    with np.errstate(over="ignore"):  # what float64 does not hold becomes infinite, and is refused
        x, y = arrays["x"].astype(np.float64), arrays["y"].astype(np.float64)
    if not all(array.size and np.isfinite(array).all() for array in (x, y)):
        raise InputError(f"{path}: x or y is empty or holds numbers that are not finite")
    if x.ndim != 4:
        raise InputError(f"{path}: x has shape {x.shape}; (N, C, H, W) is needed")
    if y.ndim not in (2, 4) or len(y) != len(x):
        raise InputError(
            f"{path}: y has shape {y.shape}; ({len(x)}, classes) is needed for {len(x)} images, "
            f"or a last map (N, C, H, W) with --head none"
        )
    expectation = Expectation(x, y, str(path), tolerance, sha256(path))
    _refuse_constants(expectation)
    return expectation


def require(imported: Imported, expectation: Expectation) -> Agreement:
    """`compare`, and raise InputError if the comparison could not have failed (see `blind_spot`)."""
    agreement = compare(imported, expectation)
    fault = blind_spot(imported, expectation)
    if fault is not None:
        raise InputError(
            f"{expectation.source}: proves nothing: with {fault} the network still gives y within "
            f"{expectation.tolerance:.0e}; give random x of the size that the network is used with"
        )
    return agreement


def compare_and_warn(imported: Imported, expectation: Expectation) -> Agreement:
    """`compare`, and a warning if the comparison could not have failed: for x that nobody chose."""
    agreement = compare(imported, expectation)
    fault = blind_spot(imported, expectation)
    if fault is not None:
        _log.warning(
            "warning: %s: equal to %s, which proves little: with %s its outputs are the same on this image",
            imported.source,
            expectation.source,
            fault,
        )
    return agreement


def compare(imported: Imported, expectation: Expectation) -> Agreement:
    """Run the imported network on x and compare with y.

    Raises CheckFailed, naming the largest difference and where it is, if it exceeds the tolerance, and
    InputError if shapes do not fit.
    """
    x, y, source = expectation.x, expectation.y, expectation.source
    channels = imported.architecture.in_channels
    if x.shape[1] != channels:
        raise InputError(f"{source}: x has {x.shape[1]} channels, the network reads {channels}")
    got = np.concatenate(list(batched_outputs(imported, x)))
    if got.shape != y.shape:
        advice = (
            "" if y.ndim == got.ndim else f" (--head {'none: maps' if y.ndim == 4 else 'linear: logits'})"
        )
        raise InputError(f"{source}: y has shape {y.shape}, the network gives {got.shape}{advice}")
    difference = np.abs(got - y)
    difference[~np.isfinite(difference)] = math.inf
    at = tuple(int(i) for i in np.unravel_index(int(difference.argmax()), y.shape))
    unseen = [name for name, size in input_sizes(imported, *x.shape[2:]) if size == (1, 1)]
    agreement = Agreement(
        source=source,
        images=len(x),
        input_size=(x.shape[2], x.shape[3]),
        difference=float(difference[at]),
        magnitude=float(np.abs(y).max()),
        tolerance=expectation.tolerance,
        at=at,
        expected=float(y[at]),
        got=float(got[at]),
        unseen_strides=tuple(unseen),
        sha256=expectation.sha256,
    )
    if not agreement.relative <= expectation.tolerance:
        explanation = (
            cause(imported, x, y, expectation.tolerance, expectation.others) if expectation.diagnose else None
        )
        raise CheckFailed(
            f"{imported.source}: the network that was read does not give y of {source}: at {place(at)} "
            f"expected {agreement.expected:.6g}, got {agreement.got:.6g}, the largest difference, relative "
            f"{agreement.relative:.1e} (limit {agreement.tolerance:.0e}); "
            + (explanation or expectation.advice or _advice(agreement.relative))
        )
    return agreement


def _refuse_constants(expectation: Expectation) -> None:
    """Refuse what would agree with many networks, as far as it shows before a network is run."""
    x, y, source = expectation.x, expectation.y, expectation.source
    magnitude = np.abs(y).max()
    if magnitude == 0:
        raise InputError(f"{source}: y is zero everywhere, which proves nothing")
    if (np.ptp(x, axis=(2, 3)) == 0).all():
        raise InputError(f"{source}: every channel of x is constant, which proves nothing; random x is good")
    if len(y) > 1 and (np.ptp(y, axis=0) <= expectation.tolerance * magnitude).all():
        raise InputError(f"{source}: y is the same for all {len(y)} images, which proves nothing")


def blind_spot(imported: Imported, expectation: Expectation) -> str | None:
    """A planted fault with which the comparison passes all the same, or None if it notices each."""

    def without(x: Any) -> Any:
        return x

    limit = expectation.tolerance * np.abs(expectation.y).max()
    mirrored = expectation.x[:, :, ::-1, ::-1]
    planted: dict[str, Iterator[Floats]] = {
        "its images turned upside down": batched_outputs(imported, mirrored),
        "every ReLU left out": batched_outputs(imported, expectation.x, without),
    }
    for fault, batches in planted.items():
        begin, noticed = 0, False
        while not noticed and (batch := next(batches, None)) is not None:
            noticed = not np.abs(batch - expectation.y[begin : begin + len(batch)]).max() <= limit
            begin += len(batch)
        if not noticed:
            return fault
    return None


def _advice(relative: float) -> str:
    """What to look at first, by the size of the difference."""
    if relative < _REDUCED_PRECISION:
        return "another eps (--eps)? or was y computed in half precision or TF32, which leave as much?"
    return (
        "other strides (--strides)? eps (--eps)? an activation other than ReLU? another order of blocks? "
        "and was y computed in eval mode, on exactly x?"
    )
