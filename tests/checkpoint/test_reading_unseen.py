"""What leaves no keys and no gap (docs/import.md): read as another network, and seen from outside only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
import trained_blocks as blocks
from named_chains import State, named_chain, read, without
from torch import Tensor, nn

from repvgg_hw.checkpoint import Imported
from repvgg_hw.checkpoint.expect import Expectation, require
from repvgg_hw.errors import CheckFailed

NAMES, WIDTHS, STRIDES = [f"body.{i}" for i in range(4)], [3, 8, 8, 8, 8], [2, 1, 1, 1]
WORDS = ["inlet", "up", "down", "outlet"]
X = torch.randn(3, 3, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def modules(strides: list[int] = STRIDES) -> list[nn.Module]:
    """The blocks that named_chain puts into a state dict, to be run."""
    made = [blocks.RepVGG(WIDTHS[i], WIDTHS[i + 1], stride, 1) for i, stride in enumerate(strides)]
    return [blocks.trained(module, seed=i) for i, module in enumerate(made)]


def run(state: State, layers: Sequence[nn.Module | Callable[[Tensor], Tensor]]) -> Tensor:
    """The logits of layers one after another, a ReLU behind each block, and the state's linear layer."""
    y = X
    with torch.no_grad():
        for layer in layers:
            y = torch.relu(layer(y)) if isinstance(layer, blocks.RepVGG) else layer(y)
        weight, bias = state["fc.weight"].double(), state["fc.bias"].double()
        return nn.functional.linear(y.mean((2, 3)), weight, bias)


def chain(names: list[str] = NAMES, strides: list[int] = STRIDES) -> State:
    return named_chain(blocks.RepVGG, names, WIDTHS, strides)


def reordered() -> State:
    state, order = chain(WORDS), ["inlet", "down", "up", "outlet", "fc"]
    return {key: value for name in order for key, value in state.items() if key.startswith(f"{name}.")}


FULL = modules()
UNSEEN: dict[str, tuple[State, Tensor]] = {
    "pooling in forward": (chain(), run(chain(), [*FULL[:2], nn.MaxPool2d(3, 1, 1), *FULL[2:]])),
    "a shortcut in forward": (
        chain(),
        run(chain(), [*FULL[:2], lambda x: x + torch.relu(FULL[2](x)), FULL[3]]),
    ),
    "another activation": (chain(), run(chain(), [*FULL[:2], nn.Hardtanh(0, 0.5), *FULL[2:]])),
    "a stride that the rule does not give": (
        named_chain(blocks.RepVGG, NAMES, [3, 8, 12, 8, 8], [2, 1, 2, 1]),
        torch.zeros(0),
    ),
    "the last block": (without(chain(), "body.3."), run(chain(), FULL)),
    "an identity of a plain chain": (without(chain(), "body.2.rbr_identity."), run(chain(), FULL)),
    "whole modules in another order": (reordered(), run(chain(), FULL)),
}


@pytest.mark.parametrize("case", UNSEEN)
def test_what_nobody_can_see_in_the_file_is_seen_from_outside(case: str) -> None:
    state, y = UNSEEN[case]
    got = read(state)  # no complaint: the keys are those of a network
    if not len(y):
        assert [conv.stride for conv in got.convs] != [2, 1, 2, 1]
        return
    expectation = Expectation(X.numpy(), y.numpy(), "y", 1e-4)
    with pytest.raises(CheckFailed):
        require(got, expectation)


def test_the_network_itself_passes() -> None:
    for names in (NAMES, WORDS):
        got: Imported = read(chain(names))
        require(got, Expectation(X.numpy(), run(chain(), FULL).numpy(), "y", 1e-4))
