"""Every naming gives the same fused network, and a chain of any family what torch computes."""

from __future__ import annotations

import re

import pytest
import torch
import trained_blocks as blocks
from small_checkpoint import NAMINGS, State, assert_same, imported, renamed, small_state
from torch import Tensor, nn

from repvgg_hw.checkpoint import Imported, random_model
from repvgg_hw.errors import InputError
from repvgg_hw.network import Architecture


@pytest.fixture(scope="module")
def state() -> State:
    return small_state()


@pytest.fixture(scope="module")
def reference(state: State) -> Imported:
    return imported(state)


@pytest.mark.parametrize("naming", NAMINGS)
def test_namings(naming: str, state: State, reference: Imported) -> None:
    got = imported(renamed(state, *NAMINGS[naming]))
    assert got.naming == naming
    assert_same(got, reference)


def test_a_plain_chain_in_yolo_spelling(state: State, reference: Imported) -> None:
    names = [re.match(r"stage0|stage\d\.\d", key) for key in state]
    order = list(dict.fromkeys(name[0] for name in names if name))
    rules = [(rf"^{re.escape(name)}\.", f"body.{i}.") for i, name in enumerate(order)]
    got = imported(renamed(state, *rules, (r"\.conv\.", ".0."), (r"\.bn\.", ".1.")))
    assert got.naming == "chain"
    assert [c.stride for c in got.convs] == [2, 2, 1, 2, 1, 1, 2]
    assert_same(got, reference)


def test_auxiliary_heads_are_left_out_and_said(state: State, reference: Imported) -> None:
    got = imported(
        state | {"stage1_aux.0.weight": torch.ones(8, 8, 3, 3), "stage1_aux.3.weight": torch.ones(5, 8)}
    )
    assert got.unused == ("stage1_aux.0.weight", "stage1_aux.3.weight")
    assert_same(got, reference)


def test_diracnet_naming() -> None:
    """Functional DiracNets: a stem, then groupX.blockY with the convolution's tensor as `conv`."""
    torch.manual_seed(0)
    state: dict[str, Tensor] = {}
    for index, name in enumerate(("group0.block0", "group0.block1", "group1.block0")):
        module = blocks.trained(blocks.DiracNet(3 if index == 0 else 6, 6, 1, 1), seed=index)
        own = {k: v for k, v in module.state_dict().items() if k != "delta"}
        state |= {f"{name}.{'conv' if k == 'weight' else k}": v for k, v in own.items()}
    state |= {"fc.weight": torch.randn(4, 6), "fc.bias": torch.randn(4)}
    got = imported(state, strides=(1, 1))
    assert got.naming == "DiracNet"
    assert {block.family for block in got.blocks} == {"DiracNet"}
    assert len(got.convs) == 3


def said_of(family: type[nn.Module]) -> dict[str, str] | None:
    """What a network of one family needs to have said that its keys do not."""
    if issubclass(family, blocks.QARepVGG) and not issubclass(family, blocks.QARepVGGNorms):
        return {"average-branch": "yes" if family.average else "no"}
    # a bare convolution brings no ReLU along, and its number leaves no room for one
    return {"between": "relu"} if family is blocks.Plain else None


@pytest.mark.parametrize("family", blocks.FAMILIES, ids=lambda f: f.__name__)
def test_networks_of_any_family(family: type[nn.Module]) -> None:
    """A chain of the family's blocks, against the torch modules run one after the other."""
    torch.manual_seed(0)
    shapes = [("stage0", 3, 8, 2), ("stage1.0", 8, 8, 2), ("stage1.1", 8, 8, 1), ("stage2.0", 8, 12, 2)]
    chain = {name: blocks.trained(family(i, o, s, 1)) for name, i, o, s in shapes}
    head = nn.Linear(12, 5).double()
    state = {f"{n}.{k}": v for n, m in chain.items() for k, v in m.state_dict().items()}
    state |= {f"linear.{key}": value for key, value in head.state_dict().items()}
    got = imported(state, assume=said_of(family))
    x = y = torch.randn(1, 3, 33, 31, dtype=torch.float64)
    with torch.no_grad():
        for conv, module in zip(got.fused.convs, chain.values(), strict=True):
            x = torch.relu(module(x))
            weight, bias = torch.from_numpy(conv.weight), torch.from_numpy(conv.bias)
            y = torch.relu(nn.functional.conv2d(y, weight, bias, conv.stride, 1))
            assert float((x - y).abs().max() / x.abs().max()) < 1e-9
    assert got.proof.relative < 1e-9


def test_squeeze_excite_is_imported_but_refused_for_hardware() -> None:
    network = Architecture("custom", (16, 16), (1, 2), (2, 2), {}, 5, 3, se="D2se")
    trained = random_model(network, seed=0)
    got = imported(trained.state_dict())
    assert got.architecture == network
    x = torch.randn(1, 3, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(got.model()(x), trained(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="squeeze-and-excitation"):
        _ = got.fused


def test_squeeze_excite_after_relu_and_in_timm_naming() -> None:
    network = Architecture("custom", (16, 16), (1, 2), (2, 2), {}, 5, 3, se="plus")
    trained = random_model(network, seed=0)
    got = imported(trained.state_dict())
    assert got.architecture == network
    x = torch.randn(1, 3, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(got.model()(x), trained(x), rtol=1e-4, atol=1e-5)
    d2se = random_model(Architecture("custom", (16, 16), (1, 2), (2, 2), {}, 5, 3, se="D2se"), seed=0)
    rules = (*NAMINGS["timm"], (r"\.se\.down\.", ".attn.fc1."), (r"\.se\.up\.", ".attn.fc2."))
    got = imported(renamed(d2se.state_dict(), *rules))
    assert got.naming == "timm"
    with torch.no_grad():
        torch.testing.assert_close(got.model()(x), d2se(x), rtol=1e-4, atol=1e-5)
