"""`--expect` and `--tolerance`, the proof from outside, of every command that imports a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from repvgg_hw.cli.rules import needs
from repvgg_hw.cli.values import PLACE, Real

if TYPE_CHECKING:
    from repvgg_hw.checkpoint import Expectation

EXPECT_RULES = (needs("--tolerance", "--expect"),)
RECORDS = ("reference_evaluator", "expect")  # proofs from outside, as provenance and --json name them
Command = TypeVar("Command", bound=Callable[..., None])


def expect_options(command: Command) -> Command:
    """The two options; `expectation` makes an Expectation of their values."""
    expect = click.option(
        "--expect",
        type=PLACE,
        help="An .npz of your own framework, images x and its logits y: the network read must give y.",
    )
    tolerance = click.option(
        "--tolerance",
        type=Real(over=0, under=1),
        help="Of --expect, relative to the largest |y| [default: 1e-4].",
    )
    return expect(tolerance(command))


def expectation(expect: Path | None, tolerance: float | None) -> Expectation | None:
    """What --expect names, read; None without it. Raises InputError for a file that proves nothing."""
    from repvgg_hw.checkpoint import load_expectation

    if expect is None:
        return None
    return load_expectation(expect, tolerance)


def said(provenance: Mapping[str, Any]) -> list[str]:
    """One line for each proof from outside that was met."""
    from repvgg_hw.checkpoint.expect import describe

    return [describe(provenance[key]) for key in RECORDS if provenance.get(key)]
