"""Train the small RepVGG on the digits again: one command, typed here so that everything stands in one place.

    python -m examples.digits.train            a few minutes on one core; rewrites digits.safetensors

Training sees only the training part; the test part gives the figures on the way and chooses nothing; the
calibration part is not read here.
"""

from __future__ import annotations

from pathlib import Path

from examples.digits import data
from examples.digits.demo import CHECKPOINT, PREPROCESSING, repvgg_hw

# RepVGG-A's plan in small: five stages, each halving the map (32 -> 16, 8, 4, 2, 1), one identity-free block
# at the head of every stage. 1.3 M multiply-accumulates per image in fused form.
NETWORK = ("--widths", "16,16,32,64,128", "--depths", "1,2,3,4,1", "--block", "repvgg")
RECIPE = (
    *("--batch-size", 32, "--rate", 0.1, "--warmup", 6, "--weight-decay", 1e-4, "--label-smoothing", 0.05),
    *("--augment", "affine", "--seed", 0),
)
EPOCHS = 60


def train(output: Path, folder: Path, epochs: int = EPOCHS) -> None:
    """Write the data into folder and the trained checkpoint to output."""
    paths = data.write(folder)
    repvgg_hw(
        "train", paths["train"], "--val", paths["test"], *NETWORK, *PREPROCESSING, *RECIPE,
        "--epochs", epochs, "-o", output,
    )  # fmt: skip


if __name__ == "__main__":
    train(CHECKPOINT, Path("build") / "digits")
