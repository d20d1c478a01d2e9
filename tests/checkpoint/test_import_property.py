"""Random known networks, renamed, reordered, damaged: equal to the true network or refused, never wrong."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch
import trained_blocks as blocks
from checkpoint_mutations import MUTATIONS
from random_checkpoints import KNOWN, Network, random_network
from random_sequences import random_sequence
from torch import Tensor

from repvgg_hw.checkpoint import Checkpoint, import_state, importer
from repvgg_hw.checkpoint import blocks as blocks_of_a_tree
from repvgg_hw.errors import RepVGGHWError
from repvgg_hw.network import FusedNetwork

CASES, CHUNKS = 500, 10
LIMIT = 1e-6


def logits(network: FusedNetwork, x: Tensor) -> Tensor:
    """The fused chain in float64."""
    for conv in network.convs:
        weight, bias = torch.from_numpy(conv.weight), torch.from_numpy(conv.bias)
        x = torch.relu(torch.nn.functional.conv2d(x, weight, bias, conv.stride, 1, groups=conv.groups))
    assert network.linear is not None
    weight, bias = torch.from_numpy(network.linear.weight), torch.from_numpy(network.linear.bias)
    return torch.nn.functional.linear(x.mean((2, 3)), weight, bias)


def case(seed: int) -> Network:
    """A network and up to three things that happen to its state dict."""
    rng = random.Random(seed)
    network = random_sequence(rng) if seed % 5 == 0 else random_network(rng)
    for mutation in rng.sample(MUTATIONS, rng.choice((0, 1, 1, 2, 2, 3))):
        mutation(rng, network)
    return network


def verdict(network: Network) -> str:
    """equal, refused, or what is wrong."""
    checkpoint = Checkpoint(dict(network.state), source="net", ordered=network.ordered)
    try:
        got = import_state(checkpoint, **network.said).fused
    except RepVGGHWError as error:
        return f"refused: {error}" if "\n" not in str(error) else "WRONG: more than one line"
    if got.convs[0].shape.c_in != network.x.shape[1]:
        return f"WRONG: reads {got.convs[0].shape.c_in} channels"
    found = logits(got, network.x)
    difference = float((found - network.logits).abs().max() / network.logits.abs().max())
    return "equal" if difference < LIMIT else f"WRONG by {difference:.2g}"


def must_be_read(network: Network) -> bool:
    """A published naming, all keys there, all said that keys cannot say: in any order, under any prefix.

    Left out are bare convolutions, whose numbers leave no room for a ReLU.
    """
    damaged = any(change.startswith("without") for change in network.history)
    silent = issubclass(network.family, blocks.QARepVGG) and "assume" not in network.said
    return network.layout in KNOWN and not damaged and not silent and network.family is not blocks.Plain


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_read_networks_are_the_true_ones(chunk: int) -> None:
    results = Counter[str]()
    for seed in range(chunk, CASES, CHUNKS):
        network = case(seed)
        found = verdict(network)
        what = f"seed {seed}: {found}: {network.family.__name__}, {network.layout}, {network.history}"
        assert not found.startswith("WRONG"), what
        assert found == "equal" or not must_be_read(network), what
        results[found.partition(":")[0]] += 1
    assert results["equal"] > CASES // CHUNKS // 4  # refusing everything proves nothing
    assert results["refused"] > CASES // CHUNKS // 4


PLANTED = {
    "missing keys pass": (importer, "require_complete", lambda *_: None),
    "gaps in numbers hide nothing": (blocks_of_a_tree, "require_no_gap", lambda *_: None),
    "every equal width is stride 1": (
        importer,
        "infer_strides",
        lambda named, shapes, *_: [1 if i and s.c_in == s.c_out else 2 for i, s in enumerate(shapes)],
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_read_a_wrong_network(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[fault])
    assert any(verdict(case(seed)).startswith("WRONG") for seed in range(CASES))
