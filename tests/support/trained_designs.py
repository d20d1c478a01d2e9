"""From images to RTL by commands alone: train a block on the digits, generate what it says, simulate."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from examples.digits import data
from repvgg_hw.cli import main
from repvgg_hw.design import results

NETWORK = ("--widths", "8,8,16", "--depths", "1,2,1", "--mean", "0.305", "--std", "0.323")
RECIPE = ("--epochs", "2", "--batch-size", "32", "--warmup", "0.5", "--augment", "affine")
FINE_TUNING = ("--weight-bits", "4", "--method", "minmax", "--epochs", "2", "--batch-size", "16")
BETTER_THAN_GUESSING = 0.2  # top-1 after two epochs; a tenth is guessing


def run(*words: object) -> str:
    """One command; what it printed. It must end well."""
    done = CliRunner().invoke(main, ["-q", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def reading(following: str) -> list[str]:
    """What the next command is told of how to read the checkpoint: another command must be told, too."""
    words = following.split()
    return [
        part for i, word in enumerate(words) if word in ("--assume", "--strides") for part in words[i : i + 2]
    ]


def prove(block: str, folder: Path, *, tuned: bool = False) -> None:
    """Assert that a network of this block is bit-exact in RTL, by the commands that each step says come next.

    tuned  its integers are fine-tuned to weights of 4 bits in between
    """
    paths = data.write(folder)
    words = ("--block", block, *NETWORK, *RECIPE, "--val", paths["test"], "-o", folder / "net.pth")
    trained = json.loads(run("train", paths["train"], *words, "--json"))
    assert trained["val_top1"] > BETTER_THAN_GUESSING
    following = trained["next"].replace("IMAGES", str(paths["calibration"]))
    if tuned:
        qat = (
            "--qat",
            folder / "net.pth",
            *reading(following),
            *NETWORK[4:],
            *FINE_TUNING,
            "-o",
            folder / "net.npz",
            "--json",
        )
        following = json.loads(run("train", paths["calibration"], *qat))["next"]
    design = folder / "design"
    run(*following.split()[1:], "--multipliers", 64, "-o", design, *(() if tuned else ("--method", "minmax")))
    run("simulate", design, "--images", paths["test"], "--limit", 3)
    found = results.load(design)
    assert found is not None
    assert found.bit_exact == found.images == 3
