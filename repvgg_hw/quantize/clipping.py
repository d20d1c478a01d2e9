"""Where to clip each layer's output, judged by the network's output and not by the layer alone.

A finer step makes every value's rounding smaller and clips the few largest. What clipping does to the layer
itself says little: RepVGG's identity branches carry the same few large values through a whole stage, so
clipping them once or in each of its layers costs the same, and the rounding noise of all those layers
falls. So blocks of layers are moved together, those of one map size first, then each layer, and a
move is kept where the logits of images, or the last maps of a network without a linear layer, come nearer to
the float network's. Weights stay real here.

The cost is that of the tries, each of which runs the network from the block that moves to its end. None is
made whose outcome is known: ranges that were tried before were no gain then, and the least error has only
fallen since.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.network import FusedNetwork
from repvgg_hw.quantize import layers

PIXELS = 1 << 19  # of the input, over all images that judge a move: 128 images of 64x64
MIN_IMAGES = 8
MOVES = (0.9, 1 / 0.9)  # of a block's steps
LEAST = 1 / 16  # of the range that min-max would give
GAIN = 5e-4  # relative, below which a move is not kept
ROUND_GAIN = 0.02  # relative, below which no round follows
ROUNDS = 3

Step = Callable[[int, int], None]  # blocks tried, blocks at the most


def clips(
    network: FusedNetwork, x: torch.Tensor, levels: Sequence[int], step: Step | None = None
) -> list[float]:
    """For each convolution the real value that its largest integer, levels[i], is to stand for.

    x (N, C, H, W) float32, normalised images. A layer that is never active gets 0.
    """
    chain = _Chain(network, x, levels)
    sweeps = (chain.stages(), [[i] for i in range(len(network.convs))])
    tried, most = 0, ROUNDS * sum(len(blocks) for blocks in sweeps)
    for _ in range(ROUNDS):
        before = chain.least
        for blocks in sweeps:
            for _block in _sweep(chain, blocks):
                tried += 1
                if step:
                    step(tried, most)
        if chain.least >= before * (1 - ROUND_GAIN):
            break
    return chain.clips


class _Chain:
    """The float network, its activations rounded and clipped, and how far its output is off."""

    def __init__(self, network: FusedNetwork, x: torch.Tensor, levels: Sequence[int]) -> None:
        self.network, self.levels = network, levels
        self.peaks: list[float] = []
        y = x
        for conv in network.convs:
            y = torch.relu_(layers.conv(y, conv.weight, conv.bias, conv))
            self.peaks.append(float(y.max()))
        self.clips = list(self.peaks)
        images = max(MIN_IMAGES, PIXELS // (x.shape[2] * x.shape[3]))
        self.x = x[:images]
        self.wanted = self._output(y[:images])
        self.tried: set[bytes] = set()
        self.least = self.error(0, self.sums(0, self.x))

    def stages(self) -> list[list[int]]:
        """Neighbouring layers whose outputs have one size."""
        strided = np.cumsum([conv.stride > 1 for conv in self.network.convs])
        return [list(block) for _, block in groupby(range(len(strided)), key=strided.__getitem__)]

    def sums(self, index: int, x: torch.Tensor) -> torch.Tensor:
        """Layer index's convolution of x, which no range changes."""
        conv = self.network.convs[index]
        return layers.conv(x, conv.weight, conv.bias, conv)

    def rounded(self, index: int, y: torch.Tensor) -> torch.Tensor:
        """Layer index's output for these sums, which it overwrites: rounded, clipped, in real units."""
        scale = self.clips[index] / self.levels[index]
        if not scale > 0:
            return torch.relu_(y)
        return y.div_(scale).add_(0.5).floor_().clamp_(0, self.levels[index]).mul_(scale)

    def error(self, first: int, y: torch.Tensor) -> float:
        """y are the sums of layer first: the output's root mean square error, averaged over the images.

        The mean of roots, so that a single image with extreme values does not decide for all.
        """
        self.tried.add(self._ranges())
        x = self.rounded(first, y.clone())
        for index in range(first + 1, len(self.clips)):
            x = self.rounded(index, self.sums(index, x))
        return float(np.sqrt(((self._output(x) - self.wanted) ** 2).mean(axis=1)).mean())

    def known(self) -> bool:
        """Whether the error of these ranges was measured before."""
        return self._ranges() in self.tried

    def _ranges(self) -> bytes:
        """The steps as layers see them, in float32: the same ones give the same error, bit for bit."""
        return np.divide(self.clips, self.levels).astype(np.float32).tobytes()

    def _output(self, x: torch.Tensor) -> NDArray[np.float64]:
        """What the network gives for its last map: (N, values)."""
        return layers.float_head(x, self.network.linear).reshape(len(x), -1)


def _sweep(chain: _Chain, blocks: list[list[int]]) -> Iterator[list[int]]:
    """Move each block, from the input on, as long as that helps; yields it when that is done."""
    sums, done = chain.sums(0, chain.x), 0
    for block in blocks:
        while done < block[0]:
            sums = chain.sums(done + 1, chain.rounded(done, sums))
            done += 1
        for move in MOVES:
            helps = True
            while helps:
                before = list(chain.clips)
                for i in block:
                    chain.clips[i] = min(max(before[i] * move, LEAST * chain.peaks[i]), chain.peaks[i])
                error = math.inf if chain.known() else chain.error(done, sums)
                helps = error < chain.least * (1 - GAIN)
                if helps:
                    chain.least = error
                else:
                    chain.clips = before
        yield block
