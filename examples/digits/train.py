"""Train a small RepVGG on the digits and write its checkpoint, in training form with all branches.

    python -m examples.digits.train            a few minutes on one core; rewrites digits.safetensors

Training sees only the training part; the test part gives the figure at the end and chooses nothing; the
calibration part is not read here. Seeded, one thread, deterministic kernels.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from examples.digits import data
from repvgg_hw.model.repvgg import RepVGG, build_model
from repvgg_hw.network import Architecture

CHECKPOINT = Path(__file__).with_name("digits.safetensors")
# RepVGG-A's plan in small: five stages, each halving the map (32 -> 16, 8, 4, 2, 1), one identity-free block
# at the head of every stage. 1.3 M multiply-accumulates per image in fused form.
ARCHITECTURE = Architecture(
    name="digits",
    widths=(16, 16, 32, 64, 128),
    depths=(1, 2, 3, 4, 1),
    strides=(2, 2, 2, 2, 2),
    num_classes=10,
    in_channels=1,
)
EPOCHS = 60
BATCH = 32
PEAK_RATE = 0.1
WEIGHT_DECAY = 1e-4
LABEL_SMOOTHING = 0.05


def tensors(part: str) -> tuple[Tensor, Tensor]:
    """A part of the data, normalised: images (N, 1, 32, 32) float32, labels (N,) int64."""
    images, labels = data.load(part)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (x - data.MEAN) / data.STD, torch.from_numpy(labels)


def augment(x: Tensor) -> Tensor:
    """A small random rotation, scaling, shear and shift of every image (N, 1, H, W)."""
    n = len(x)
    angle = (torch.rand(n) - 0.5) * math.radians(24)
    scale = 1 + (torch.rand(n) - 0.5) * 0.24
    shear = (torch.rand(n) - 0.5) * 0.3
    shift = (torch.rand(n, 2) - 0.5) * 0.28  # of half the image
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = (torch.stack((cos, shear - sin, shift[:, 0]), 1), torch.stack((sin, cos, shift[:, 1]), 1))
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    background = -data.MEAN / data.STD  # grid_sample pads with 0: shift black there
    return F.grid_sample(x - background, grid, align_corners=False) + background


@torch.no_grad()
def accuracy(model: RepVGG, part: str) -> float:
    """Top-1 of the model in eval mode on a part of the data."""
    x, labels = tensors(part)
    return float((model.eval()(x).argmax(1) == labels).float().mean())


def train(epochs: int = EPOCHS) -> RepVGG:
    """A freshly initialised network, trained: SGD with Nesterov momentum, warm-up and a cosine to zero."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    x, labels = tensors("train")
    model = build_model(ARCHITECTURE)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    per_epoch = len(x) // BATCH
    steps = epochs * per_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.1)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(x))[: per_epoch * BATCH].view(per_epoch, BATCH):
            loss = F.cross_entropy(model(augment(x[batch])), labels[batch], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1:3d} of {epochs}  loss {total / per_epoch:.4f}", flush=True)
    return model


def main() -> None:
    """Train, report and write the checkpoint."""
    model = train()
    for part in ("train", "test"):
        print(f"top-1, {part}: {accuracy(model, part):.2%}")
    save_file(model.state_dict(), CHECKPOINT)
    print(CHECKPOINT)


if __name__ == "__main__":
    main()
