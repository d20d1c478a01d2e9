"""Checkpoints: every naming and wrapper gives the same fused network; everything damaged gives one line."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trained_blocks as blocks
from click.testing import CliRunner
from safetensors.torch import save_file
from torch import Tensor, nn

from repvgg_hw.checkpoint import (
    Checkpoint,
    Imported,
    import_network,
    import_state,
    load_state,
    random_model,
    save_fused,
)
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.fuse.graph import Affine, Chain
from repvgg_hw.fuse.proof import prove
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.network import Architecture

State = dict[str, Tensor]

SMALL = Architecture("custom", (8, 8, 12, 16), (1, 2, 3, 1), (2, 2, 2, 2), {2: 2, 4: 4}, 5, 3)
A0 = Path(__file__).resolve().parents[3] / "shared/data/repvgg_a0_tiny_imagenet.pth"


@pytest.fixture(scope="module")
def state() -> State:
    return random_model(SMALL, seed=0).state_dict()


@pytest.fixture(scope="module")
def reference(state: State) -> Imported:
    return imported(state)


def arrays(state: State) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in state.items()}


def imported(state: State, **options: Any) -> Imported:
    return import_state(Checkpoint(arrays(state), source="test"), **options)


def assert_same(got: Imported, expected: Imported) -> None:
    assert got.architecture == expected.architecture
    for ours, theirs in zip(got.fused.convs, expected.fused.convs, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)
    assert got.linear is not None
    assert expected.linear is not None
    np.testing.assert_array_equal(got.linear.weight, expected.linear.weight)
    np.testing.assert_array_equal(got.linear.bias, expected.linear.bias)


def renamed(state: State, *rules: tuple[str, str]) -> State:
    result = {}
    for key, value in state.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        result[key] = value
    return result


def timm_stage(match: re.Match[str]) -> str:
    return f"stages.{int(match[1]) - 1}."


NAMINGS: dict[str, tuple[tuple[str, Any], ...]] = {
    "timm": (
        (r"^stage0\.", "stem."),
        (r"^stage(\d)\.", timm_stage),
        (r"rbr_dense", "conv_kxk"),
        (r"rbr_1x1", "conv_1x1"),
        (r"rbr_identity", "identity"),
        (r"^linear", "head.fc"),
    ),
    "mmpretrain": (
        (r"^stage0\.", "backbone.stem."),
        (r"^stage(\d)\.", r"backbone.stage_\1."),
        (r"rbr_dense", "branch_3x3"),
        (r"rbr_1x1", "branch_1x1"),
        (r"rbr_identity", "branch_norm"),
        (r"\.bn\.", ".norm."),
        (r"^linear", "head.fc"),
    ),
    "RepVGGplus": (
        (r"^stage3\.0\.", "stage3_first.blocks.0."),
        (r"^stage2\.2\.", "stage2_second.blocks.0."),
        (r"^stage2\.", "stage2_first.blocks."),
        (r"^stage1\.", "stage1.blocks."),
    ),
}


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


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"state_dict": s, "epoch": 3},
        lambda s: {"model": {"module." + k: v for k, v in s.items()}},
        lambda s: {"model": {k: v + 1 for k, v in s.items()}, "ema": s},
        lambda s: {"checkpoint": 1, "state_dict": {"model": s}},
    ],
    ids=["plain", "state_dict", "model module.", "ema", "nested"],
)
def test_wrappers(wrap: Callable[[State], Any], state: State, reference: Imported, tmp_path: Path) -> None:
    torch.save(wrap(state), tmp_path / "net.pth")
    assert_same(import_network(tmp_path / "net.pth"), reference)


def test_safetensors_and_half_precision(state: State, tmp_path: Path) -> None:
    save_file(state, tmp_path / "net.safetensors")
    assert load_state(tmp_path / "net.safetensors").keys() == state.keys()
    halves = {k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}
    torch.save(halves, tmp_path / "half.pth")
    assert import_network(tmp_path / "half.pth").convs[0].weight.dtype == np.float64


@torch.no_grad()
def test_the_fused_model_computes_what_the_trained_one_does(reference: Imported) -> None:
    trained, x = random_model(SMALL, seed=0), torch.randn(2, 3, 33, 47)
    torch.testing.assert_close(reference.model()(x), trained(x), rtol=1e-4, atol=1e-4)
    assert reference.proof.relative < 1e-12
    assert reference.proof.inside > 0  # float64 rounding: something was compared
    assert reference.proof.border > 0


def test_fused_files_keep_strides_and_round_trip(tmp_path: Path) -> None:
    odd = Architecture("custom", (8, 8, 12), (1, 2, 2), (1, 1, 2), {}, 5, 1)
    trained = random_model(odd, seed=0).state_dict()
    first = imported(trained, strides=(1, 1, 2))
    save_fused(tmp_path / "fused.safetensors", first)
    keys = load_state(tmp_path / "fused.safetensors").keys()
    assert {"stage0.rbr_reparam.weight", "stage2.1.rbr_reparam.bias", "linear.weight"} <= keys
    again = import_network(tmp_path / "fused.safetensors")
    assert again.architecture == first.architecture == odd
    np.testing.assert_allclose(again.convs[3].weight, first.convs[3].weight, rtol=1e-6)


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


def test_strides_override_and_contradict(state: State) -> None:
    fused = {k: torch.from_numpy(v) for k, v in fused_arrays(state).items()}
    assert imported(fused, strides=(1, 2, 1, 2)).architecture.strides == (1, 2, 1, 2)
    per_layer = imported(fused, strides=(1, 1, 2, 1, 1, 2, 1))
    assert [c.stride for c in per_layer.convs] == [1, 1, 2, 1, 1, 2, 1]
    with pytest.raises(InputError, match=r"3 strides given.*stage \(4\).*layer \(7\)"):
        imported(fused, strides=(1, 2, 1))
    with pytest.raises(InputError, match=r"stage1\.1: stride 2 contradicts the identity"):
        imported(state, strides=(2, 2, 2, 2, 1, 1, 2))
    with pytest.raises(InputError, match="strides are 1 or 2"):
        imported(fused, strides=(3, 2, 1, 2))


def fused_arrays(state: State) -> dict[str, np.ndarray]:
    from repvgg_hw.checkpoint import fused_state

    return fused_state(imported(state))


def test_a_fusion_that_is_wrong_fails_the_proof(reference: Imported) -> None:
    graphs = [block.graph for block in reference.blocks]
    graphs[3] = Chain((graphs[3], Affine(np.full(12, 1.001), np.zeros(12))))
    proof = prove(graphs, reference.chain)
    with pytest.raises(CheckFailed, match=r"stage2\.0 inside the map"):
        proof.require()
    assert proof.worst.name == "stage2.0"


def test_a_difference_at_the_border_only_is_told_apart(reference: Imported) -> None:
    """An inner bias behind zero padding: the classic cause of a fusion that differs at borders only."""
    from repvgg_hw.fuse.collapse import collapse
    from repvgg_hw.fuse.graph import Conv
    from repvgg_hw.network import FusedConv, FusedLinear, FusedNetwork

    rng = np.random.default_rng(0)
    inner = Conv(rng.normal(size=(4, 3, 1, 1)), rng.normal(size=4))
    graph = Chain((inner, Conv(rng.normal(size=(4, 4, 3, 3)), padding=(1, 1))))
    kernel, bias = collapse(graph, 3)
    fused = FusedNetwork(
        "t", (FusedConv("stage0", kernel, bias, 1, 1),), FusedLinear(np.ones((2, 4)), np.zeros(2))
    )
    proof = prove([graph], fused, size=6)
    assert proof.inside < 1e-12
    assert proof.border > 1e-3
    with pytest.raises(CheckFailed, match="at the border only"):
        proof.require()


def write(name: str, content: bytes) -> Callable[[Path, State], Path]:
    def make(folder: Path, _: State) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def saved(change: Callable[[State], Any]) -> Callable[[Path, State], Path]:
    def make(folder: Path, state: State) -> Path:
        torch.save(change(dict(state)), folder / "net.pth")
        return folder / "net.pth"

    return make


def truncated(suffix: str) -> Callable[[Path, State], Path]:
    def make(folder: Path, state: State) -> Path:
        path = folder / f"net{suffix}"
        save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return make


class Bomb:
    """A pickle that runs a command when it is loaded without weights_only."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (Path("bomb-went-off"), "boom")


def compressed(folder: Path, state: State) -> Path:
    torch.save(state, folder / "plain.pth")
    packed = zipfile.ZipFile(folder / "net.pth", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(folder / "plain.pth") as plain, packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    return folder / "net.pth"


def nan(state: State) -> State:
    state["stage1.0.rbr_dense.conv.weight"] = state["stage1.0.rbr_dense.conv.weight"].clone()
    state["stage1.0.rbr_dense.conv.weight"][1, 2, 0, 1] = float("nan")
    return state


def without(key: str) -> Callable[[State], State]:
    return lambda state: {k: v for k, v in state.items() if k != key}


BAD: dict[str, tuple[Callable[[Path, State], Path], str]] = {
    "no such file": (lambda folder, _: folder / "none.pth", "no such file"),
    "a folder": (lambda folder, _: folder, "no such file"),
    "empty": (write("net.pth", b""), "empty"),
    "text": (write("net.pth", b"hello, world\n" * 50), "not a torch checkpoint"),
    "truncated pth": (truncated(".pth"), "truncated"),
    "truncated safetensors": (truncated(".safetensors"), "truncated"),
    "huge safetensors header": (write("net.safetensors", b"\xff" * 7 + b"\x00{}"), "header"),
    "code": (saved(lambda s: {"state_dict": s, "hook": Bomb()}), "more than tensors"),
    "a list": (saved(lambda s: [1, 2, 3]), "holds a list"),
    "no tensors": (saved(lambda s: {"epoch": 3}), "no tensors"),
    "compressed": (compressed, "compressed"),
    "an expanded view": (
        saved(lambda s: s | {"stage0.rbr_dense.conv.weight": torch.zeros(1).expand(1 << 40)}),
        "more than the file can hold",
    ),
    "sparse": (saved(lambda s: s | {"linear.bias": torch.ones(5).to_sparse()}), "not a plain dense"),
    "nan": (saved(nan), r"stage1\.0\.rbr_dense\.conv\.weight is not finite \(nan at \(1, 2"),
    "integers": (saved(lambda s: s | {"linear.bias": torch.ones(5).int()}), "linear.bias is int32"),
    "missing key": (
        saved(without("stage2.0.rbr_1x1.bn.running_var")),
        r"stage2\.0: key rbr_1x1\.bn\.running_var",
    ),
    "missing head": (saved(without("linear.weight")), "there is no linear layer .*--head none"),
    "foreign key": (saved(lambda s: s | {"stage1.0.gate.weight": torch.ones(8)}), r"gate\.weight"),
    "foreign module": (saved(lambda s: s | {"gru.weight_hh": torch.ones(8)}), "gru.*weight_hh"),
    "missing block": (
        saved(lambda s: {k: v for k, v in s.items() if not k.startswith("stage2")}),
        r"stage2 is not there: .* or a block is missing",
    ),
    "wrong head": (saved(lambda s: s | {"linear.weight": torch.ones(5, 9)}), "reads 9 features"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_end_in_one_line_and_exit_2(
    case: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make, message = BAD[case]
    path, out = make(tmp_path, state), tmp_path / "out.safetensors"
    result = CliRunner().invoke(main, ["fuse", str(path), "-o", str(out)])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    assert result.output.startswith("error: ")
    assert re.search(message, result.output), result.output
    assert not out.exists()
    assert not (tmp_path / "bomb-went-off").exists()


def test_an_unwritable_folder_ends_in_one_line_and_exit_2(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    (tmp_path / "file").write_text("not a folder")
    place = tmp_path / "file" / "out.safetensors"
    result = CliRunner().invoke(main, ["fuse", str(tmp_path / "net.pth"), "-o", str(place)])
    assert result.exit_code == 2
    assert f"{tmp_path / 'file'} is not a folder" in result.output
    assert result.output.count("\n") == 1


def test_fuse_writes_and_proves(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    out = tmp_path / "out.safetensors"
    result = CliRunner().invoke(main, ["fuse", str(tmp_path / "net.pth"), "-o", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert out.exists()
    assert '"relative"' in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.pth", "out.safetensors"]


@pytest.mark.skipif(not A0.exists(), reason="the trained RepVGG-A0 of ../shared/data is not here")
def test_the_trained_a0_imports() -> None:
    got = import_network(A0)
    assert (got.architecture.name, got.architecture.num_classes) == ("A0", 200)
    assert got.proof.relative < 1e-12
    trained = build_model(got.architecture).eval()
    trained.load_state_dict(torch.load(A0, weights_only=True))
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(got.model()(x), trained(x), rtol=1e-3, atol=1e-3)
