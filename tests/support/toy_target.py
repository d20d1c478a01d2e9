"""A third target, as small as one can be: weights as text, computed by loops over the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from toy_planner import ToyPlan

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import LayerResult, SimulationResult
from repvgg_hw.files import write_if_changed
from repvgg_hw.targets.target import ProofOptions, Target


def weights_file(design: Design[ToyPlan], layer: str) -> Path:
    return design.directory / f"{layer}.txt"


def texts(design: Design[ToyPlan]) -> dict[str, str]:
    """Layer -> its weights, one per line."""
    arrays = {conv.name: conv.weight for conv in design.network.convs}
    assert design.network.linear is not None
    arrays["linear"] = design.network.linear.weight
    return {name: "".join(f"{w}\n" for w in array.ravel().tolist()) for name, array in arrays.items()}


class ToyTarget:
    name = "toy"
    counts = "products"
    takes = frozenset({"stalls"})
    architectures = frozenset({"toy"})

    def emit(self, design: Design[ToyPlan]) -> None:
        for layer, text in texts(design).items():
            write_if_changed(weights_file(design, layer), text)

    def differing_tables(self, design: Design[ToyPlan]) -> list[tuple[str, str]]:
        return [
            (layer, f"{layer}.txt is not the network's")
            for layer, text in texts(design).items()
            if weights_file(design, layer).read_text() != text
        ]

    def prove(
        self, design: Design[ToyPlan], images: NDArray[np.int8], options: ProofOptions
    ) -> SimulationResult:
        """Every layer on golden's input, with the weights that stand in the folder."""
        layers, x = [], images.astype(np.int64)
        outputs = dict(golden.trace(images, design.network))
        for plan, conv in zip(design.plan.layers, design.network.convs, strict=False):
            weight = np.loadtxt(weights_file(design, conv.name), dtype=np.int64).reshape(conv.weight.shape)
            sums = products(x, weight, conv.stride, conv.groups) + conv.bias[None, :, None, None]
            scaled = (sums * conv.multiplier[None, :, None, None] + (1 << conv.shift - 1)) >> conv.shift
            got, expected = scaled.clip(0, (1 << conv.out_bits) - 1), outputs[conv.name]
            wrong = int((got != expected).sum())
            problem = f"{conv.name}: {wrong} of {expected.size} values differ" if wrong else None
            layers.append(LayerResult(conv.name, expected.size, plan.cycles, problem))
            x = expected.astype(np.int64)
        problems = [f"{layer}: {message}" for layer, message in self.differing_tables(design)]
        problems += [layer.problem for layer in layers if layer.problem]
        return SimulationResult(
            target=self.name,
            mode="network",
            images=len(images),
            bit_exact=0 if problems else len(images),
            stalls=options.stalls,
            layers=tuple(layers),
            problems=tuple(problems),
            planned_interval=design.plan.frame_interval,
        )


def products(x: NDArray[np.int64], weight: NDArray[np.int64], stride: int, groups: int) -> NDArray[np.int64]:
    """The 3x3 convolution's sums, tap by tap. x (N, C, H, W), weight (C_out, C / groups, 3, 3)."""
    height, width = (-(-size // stride) for size in x.shape[2:])
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    parts = []
    for w, channels in zip(np.split(weight, groups), np.split(padded, groups, axis=1), strict=True):
        taps = (
            np.einsum(
                "ok,nkyx->noyx", w[:, :, i, j], channels[:, :, i::stride, j::stride][:, :, :height, :width]
            )
            for i in range(3)
            for j in range(3)
        )
        parts.append(sum(taps))
    return np.concatenate(parts, axis=1)


TARGET: Target = ToyTarget()
