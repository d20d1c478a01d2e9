"""What training costs and what it gives: memory and time of each block, accuracy, fine-tuned integers.

    python benchmarks/training.py memory [--batch 32]
    python benchmarks/training.py step [--batch 16]
    python benchmarks/training.py digits [--epochs 10] [--block NAME ...]
    python benchmarks/training.py qat CHECKPOINT --calibration PATH --data PATH [--epochs 30]

memory  bytes that are kept for the backward pass, beyond the plain network's, counted on torch's meta device,
        which holds no numbers: every tensor that autograd saves, each storage once, parameters left out
step    processor seconds of a training step, the blocks in turns
digits  top-1 of each block, three seeds, one recipe
qat     top-1 of a post-training method and of fine-tuning from there
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repvgg_hw.model.variants import get_variant
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, Architecture, ConvShape
from repvgg_hw.training.blocks import BLOCKS, block_named
from repvgg_hw.training.network import TrainedNetwork

SIZE = 224
COMPARED = ("plain", "repvgg", "dbb", "orepa", "orepa-repvgg")
SEEDS = (0, 1, 2)


class BasicBlock(nn.Module):
    """ResNet's block of two 3x3, each in training form."""

    def __init__(self, c_in: int, c_out: int, stride: int, block: str) -> None:
        super().__init__()
        kind = block_named(block)
        self.first = kind(ConvShape("first", c_in, c_out, stride))
        self.second = kind(ConvShape("second", c_out, c_out))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.second.linear_part(self.first(x))
        return torch.relu_(y + self.shortcut(x))


def resnet18(block: str) -> nn.Module:
    """ResNet-18 for 1,000 classes with every 3x3 replaced. He et al., arXiv 1512.03385."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    c_in = 64
    for c_out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [BasicBlock(c_in, c_out, stride, block), BasicBlock(c_out, c_out, 1, block)]
        c_in = c_out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def repvgg_a0(block: str) -> nn.Module:
    """RepVGG-A0 of any block."""
    return TrainedNetwork(get_variant("A0"), block)


NETWORKS = {"ResNet-18": resnet18, "RepVGG-A0": repvgg_a0}


def kept_bytes(network: nn.Module, x: Tensor) -> int:
    """Bytes that autograd keeps between forward and backward pass, without parameters."""
    own = {tensor.untyped_storage()._cdata for tensor in network.state_dict().values()}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage()._cdata not in own:
            kept[tensor.untyped_storage()._cdata] = tensor  # held, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network.train()(x).sum()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def memory(batch: int) -> None:
    """A table of kept bytes."""
    for name, make in NETWORKS.items():
        plain = dbb = 0
        print(f"{name}, {batch} images of {SIZE}x{SIZE}, float32: kept for backward")
        for block in COMPARED:
            with torch.device("meta"):
                network = make(block)
                kept = kept_bytes(network, torch.empty(batch, 3, SIZE, SIZE))
            parameters = sum(p.numel() for p in network.parameters())
            plain = kept if block == "plain" else plain
            dbb = kept if block == "dbb" else dbb
            beyond = f"beyond plain {(kept - plain) / 1e6:8.1f} MB"
            against = (
                f", {(kept - plain) / (dbb - plain) - 1:+.1%} of DBB's" if dbb and block != "dbb" else ""
            )
            print(
                f"  {block:13} {kept / 1e6:8.1f} MB, {beyond}{against}; {parameters / 1e6:.1f} M parameters"
            )


def step(batch: int, repeats: int) -> None:
    """A table of seconds; all blocks take turns, so that what else the machine does meets all alike."""
    torch.manual_seed(0)
    for name, make in NETWORKS.items():
        networks = {block: make(block) for block in COMPARED}
        x, labels = torch.randn(batch, 3, SIZE, SIZE), torch.randint(1000, (batch,))
        seconds: dict[str, list[float]] = {block: [] for block in COMPARED}
        for _ in range(repeats + 1):
            for block, network in networks.items():
                optimizer = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9)
                started = time.process_time()  # of this process: others on the machine do not count
                F.cross_entropy(network.train()(x), labels).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                seconds[block].append(time.process_time() - started)
        best = {block: min(times[1:]) for block, times in seconds.items()}
        print(f"{name}, {batch} images, {torch.get_num_threads()} threads: processor seconds of a step")
        for block, value in best.items():
            print(f"  {block:13} {value:7.2f} s, DBB / this {best['dbb'] / value:.2f}")


@dataclass(frozen=True)
class Trial:
    """Top-1 of one block over seeds, in percent."""

    block: str
    top1: tuple[float, ...]


def digits(epochs: int, blocks: Sequence[str]) -> Iterator[Trial]:
    """Train each block on the digits' training part, three seeds; top-1 on the test part."""
    from examples.digits import data as source
    from repvgg_hw.training.data import Data
    from repvgg_hw.training.distributed import Processes
    from repvgg_hw.training.loop import Normaliser, Surroundings, accuracy, train
    from repvgg_hw.training.recipe import Recipe
    from repvgg_hw.training.start import new_network

    parts = {}
    for part in ("train", "test"):
        images, labels = source.load(part)
        parts[part] = Data(labels, 10, 1, (source.SIZE, source.SIZE), images)
    architecture = Architecture(
        "digits", (16, 16, 32, 64, 128), (1, 2, 3, 4, 1), (2,) * 5, num_classes=10, in_channels=1
    )
    cpu = torch.device("cpu")
    around = Surroundings(cpu, Processes(), (source.MEAN,), (source.STD,))
    for block in blocks:
        found = []
        for seed in SEEDS:
            recipe = Recipe(
                epochs,
                batch=32,
                rate=0.1,
                warmup=epochs / 10,
                label_smoothing=0.05,
                augment="affine",
                seed=seed,
            )
            network = train(new_network(architecture, block, seed), parts["train"], recipe, around)
            normaliser = Normaliser(around.mean, around.std, cpu)
            found.append(100 * accuracy(network, parts["test"], normaliser, cpu))
        yield Trial(block, tuple(found))


def qat(options: argparse.Namespace) -> None:
    """A post-training method, then fine-tuning from there; top-1 of each on the same test images."""
    from repvgg_hw.checkpoint import load_fused
    from repvgg_hw.design.network_file import load_network, save_network
    from repvgg_hw.model.images import load_images
    from repvgg_hw.quantize import Widths, quantize
    from repvgg_hw.quantize.forward import float_outputs, integer_outputs
    from repvgg_hw.training.data import load_unlabelled
    from repvgg_hw.training.recipe import Recipe
    from repvgg_hw.training.tune import tune

    fused = load_fused(options.checkpoint)
    images = load_unlabelled(options.calibration, fused.convs[0].shape.c_in)
    if options.calibration_limit is not None:
        step = max(1, len(images) // options.calibration_limit)
        kept = images.all_pixels()[::step][: options.calibration_limit]
        images = replace(images, pixels=kept, labels=images.labels[: len(kept)])
    test = load_images(options.data, options.limit)
    mean, std = IMAGENET_MEAN, IMAGENET_STD

    def report(name: str, logits: np.ndarray, seconds: float) -> None:
        top1 = 100 * (logits.argmax(1) == test.labels).mean()
        print(f"{name:14} top-1 {top1:.2f} % of {len(test)}, {seconds:.0f} s", flush=True)

    report("float", float_outputs(fused, test.pixels, mean, std), 0)
    started = time.monotonic()
    if options.start is not None:
        network = load_network(options.start)
    else:
        every = max(1, len(images) // (options.quantized_on or len(images)))
        network = quantize(
            fused,
            images.all_pixels()[::every],
            mean=mean,
            std=std,
            method=options.method,
            widths=Widths(weights=options.weight_bits),
        )
    report("post-training", integer_outputs(network, test.pixels), time.monotonic() - started)
    recipe = Recipe(
        options.epochs, batch=32, rate=options.rate, warmup=1, augment="jitter", seed=options.seed
    )
    started = time.monotonic()
    tuned = tune(network, fused, images, recipe)
    if options.save is not None:
        save_network(tuned.network, options.save)
    report("fine-tuned", integer_outputs(tuned.network, test.pixels), time.monotonic() - started)
    unchanged = "; the beginning was kept" if tuned.kept else ""
    print(f"distance from the float network {tuned.loss_before:.4f}, after {tuned.loss_after:.4f}{unchanged}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("memory").add_argument("--batch", type=int, default=32)
    timed = commands.add_parser("step")
    timed.add_argument("--batch", type=int, default=16)
    timed.add_argument("--repeats", type=int, default=3)
    trained = commands.add_parser("digits")
    trained.add_argument("--epochs", type=int, default=10)
    trained.add_argument("--block", action="append", choices=BLOCKS)
    tuned = commands.add_parser("qat")
    tuned.add_argument("checkpoint")
    tuned.add_argument("--calibration", type=Path, required=True)
    tuned.add_argument("--data", type=Path, required=True)
    tuned.add_argument("--method", default="gptq")
    tuned.add_argument("--epochs", type=int, default=30)
    tuned.add_argument("--rate", type=float, default=0.15)
    tuned.add_argument("--seed", type=int, default=0)
    tuned.add_argument("--weight-bits", type=int, default=4)
    tuned.add_argument("--limit", type=int, help="at most that many test images")
    tuned.add_argument("--calibration-limit", type=int, help="at most that many calibration images")
    tuned.add_argument("--quantized-on", type=int, help="of them as many for the post-training method")
    tuned.add_argument("--save", type=Path, help="where the fine-tuned integers go, .npz")
    tuned.add_argument("--start", type=Path, help="integers to begin with, in place of quantizing first")
    options = parser.parse_args()
    if options.command == "memory":
        memory(options.batch)
    elif options.command == "step":
        step(options.batch, options.repeats)
    elif options.command == "digits":
        for trial in digits(options.epochs, options.block or tuple(BLOCKS)):
            mean, spread = statistics.mean(trial.top1), statistics.stdev(trial.top1)
            print(f"{trial.block:13} {mean:.2f} +- {spread:.2f} %  {trial.top1}", flush=True)
    else:
        qat(options)


if __name__ == "__main__":
    main()
