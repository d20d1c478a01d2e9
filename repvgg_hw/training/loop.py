"""The training itself, step by step. What a step draws follows from the seed and its number alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.training.augment import augmented
from repvgg_hw.training.average import Average
from repvgg_hw.training.data import Data, epoch_batches
from repvgg_hw.training.distributed import Processes
from repvgg_hw.training.log import Epoch, Log
from repvgg_hw.training.network import TrainedNetwork
from repvgg_hw.training.optimizer import optimizer_for
from repvgg_hw.training.recipe import Recipe
from repvgg_hw.training.state import Training

SAVE_SECONDS = 300.0  # between two saves within an epoch
VALIDATION_BATCH = 100

Report = Callable[[float, str], None]  # share done, in words


@dataclass(frozen=True)
class Surroundings:
    """Where and beside what a network is trained; nothing here changes the result on one device.

    state       file of the unfinished training; None: none is kept
    save_every  steps between two saves; None: each epoch, and every SAVE_SECONDS
    """

    device: torch.device
    processes: Processes
    mean: tuple[float, ...]
    std: tuple[float, ...]
    state: Path | None = None
    save_every: int | None = None
    resume: bool = False
    workers: int = 2


def train(
    network: TrainedNetwork,
    data: Data,
    recipe: Recipe,
    around: Surroundings,
    *,
    validation: Data | None = None,
    log: Log | None = None,
    made_of: dict[str, Any] | None = None,
    report: Report = lambda share, what: None,
) -> TrainedNetwork:
    """Train network in place on labelled images; the network to use, which is its average if recipe.ema.

    made_of  what else decided about the network: an unfinished training of another is not resumed
    Raises InputError where images or batches do not fit, CheckFailed where the loss is no number any more.
    """
    processes, device = around.processes, around.device
    if recipe.batch % processes.world:
        raise InputError(f"--batch-size {recipe.batch} does not divide among {processes.world} processes")
    per_epoch = len(data) // recipe.batch
    if not per_epoch:
        raise InputError(
            f"{len(data)} images do not fill one batch of {recipe.batch}: give a smaller --batch-size"
        )
    network.to(device)
    training = Training(network, optimizer_for(network, recipe), Average(network, recipe.ema), 0, [0.0] * 3)
    made_of = {**(made_of or {}), **asdict(recipe), "images": len(data)}
    if around.resume and around.state is not None:
        training.load(around.state, made_of, recipe.epochs * per_epoch)
        if log is not None:
            log.resume(training.step)
    wrapped = processes.wrap(network)
    normaliser = Normaliser(around.mean, around.std, device)
    labels = torch.from_numpy(data.labels).to(device)
    started, first_step, saved = time.monotonic(), training.step, time.monotonic()
    total = recipe.epochs * per_epoch
    with ThreadPoolExecutor(max(1, around.workers)) as pool:
        while training.step < total:
            epoch, done = divmod(training.step, per_epoch)
            batches = epoch_batches(
                len(data), recipe.batch, recipe.seed, epoch, processes.rank, processes.world
            )
            for number, indices in enumerate(batches):
                if number < done:
                    continue
                generator = step_generator(recipe.seed, training.step, processes.rank)
                x = data.batch(indices, pool).to(device).float() / 255
                x = normaliser(augmented(x, recipe.augment, generator))
                _step(training, wrapped, x, labels[indices], recipe, per_epoch)
                elapsed = time.monotonic() - started
                left = elapsed / (training.step - first_step) * (total - training.step)
                loss = training.sums[0] / training.sums[2]
                words = f"epoch {epoch + 1} of {recipe.epochs}, loss {loss:.3f}, {_duration(left)} left"
                report(training.step / total, words)
                due = time.monotonic() - saved > SAVE_SECONDS
                if around.save_every is not None:
                    due = training.step % around.save_every == 0
                if due and around.state is not None and processes.first and number + 1 < per_epoch:
                    training.save(around.state, made_of)
                    saved = time.monotonic()
            loss, right, seen = processes.mean(training.sums)
            top1 = None
            if validation is not None and processes.first:
                top1 = accuracy(training.average.network, validation, normaliser, device, pool)
            if log is not None and processes.first:
                rate = recipe.rate_at(training.step - 1, per_epoch)
                seconds = round(time.monotonic() - started, 3)
                log.add(Epoch(epoch + 1, training.step, rate, loss / seen, right / seen, top1, seconds))
            training.sums = [0.0] * 3
            if around.state is not None and processes.first and training.step < total:
                training.save(around.state, made_of)
                saved = time.monotonic()
            processes.wait()
    return training.average.network.eval()


def _step(
    training: Training, wrapped: nn.Module, x: Tensor, labels: Tensor, recipe: Recipe, per_epoch: int
) -> None:
    """One step of SGD."""
    rate = recipe.rate_at(training.step, per_epoch)
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    wrapped.train()
    with torch.autocast(x.device.type, torch.bfloat16, enabled=recipe.amp):
        logits = wrapped(x)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    training.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    training.optimizer.step()
    value = float(loss.detach())
    if not np.isfinite(value):
        raise CheckFailed(f"the loss is {value} after {training.step} steps: give a smaller --rate")
    training.average.update(training.network, training.step)
    right = float((logits.detach().argmax(1) == labels).sum())
    training.sums = [
        a + b for a, b in zip(training.sums, (value * len(x), right, float(len(x))), strict=True)
    ]
    training.step += 1


class Normaliser:
    """(x - mean) / std per channel, of images (N, C, H, W) in 0..1."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> None:
        self.mean = torch.tensor(mean, device=device)[:, None, None]
        self.std = torch.tensor(std, device=device)[:, None, None]

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


def step_generator(seed: int, step: int, rank: int) -> torch.Generator:
    """The draws of one step of one process."""
    entropy = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(entropy) % (1 << 63))


@torch.inference_mode()
def accuracy(
    network: nn.Module,
    data: Data,
    normaliser: Normaliser,
    device: torch.device,
    pool: ThreadPoolExecutor | None = None,
) -> float:
    """Top-1 of a network in eval mode, images as they are."""
    network.eval()
    right = 0
    for start in range(0, len(data), VALIDATION_BATCH):
        indices = np.arange(start, min(start + VALIDATION_BATCH, len(data)))
        x = normaliser(data.batch(indices, pool).to(device).float() / 255)
        right += int((network(x).argmax(1).cpu().numpy() == data.labels[indices]).sum())
    return right / len(data)


def _duration(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
