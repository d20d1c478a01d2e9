"""ONNX graphs: every form of a network is read as that network, anything else is refused by its node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from click.testing import CliRunner
from onnx_graphs import B0, BL, STRIDES, W0, WL, Graph, logits, network, numbers, plain_conv, relu

from repvgg_hw.checkpoint import import_network
from repvgg_hw.checkpoint.onnx_graph import graph, maps, vectors
from repvgg_hw.checkpoint.run import outputs
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError

Conv = Callable[[Graph, str, np.ndarray, np.ndarray, int], str]
X = np.random.default_rng(1).standard_normal((2, 3, 9, 12))


def assert_read(path: Path, expected: np.ndarray, x: np.ndarray = X) -> dict[str, Any]:
    """The graph is that network, and onnx's evaluator said so, too."""
    got = import_network(path)
    np.testing.assert_allclose(outputs(got, x), expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert got.provenance["reference_evaluator"]["relative"] < 1e-12
    return got.provenance


def bias(node: Callable[[Graph, str, np.ndarray], str]) -> Conv:
    """A convolution without bias, and what adds it."""

    def conv(g: Graph, x: str, w: np.ndarray, b: np.ndarray, stride: int) -> str:
        return node(g, g("Conv", x, g.store(w), strides=[stride] * 2, pads=[1] * 4), b)

    return conv


def norm(g: Graph, x: str, w: np.ndarray, b: np.ndarray, stride: int) -> str:
    """BN that takes back what was done to the weight."""
    gamma, mean, var = np.abs(numbers(len(b))) + 0.5, numbers(len(b)), np.abs(numbers(len(b))) + 0.5
    scale = gamma / np.sqrt(var + 1e-3)
    y = g("Conv", x, g.store(w / scale[:, None, None, None]), strides=[stride] * 2, pads=[1] * 4)
    rest = (g.store(a) for a in (gamma, b + scale * mean, mean, var))
    return g("BatchNormalization", y, *rest, epsilon=1e-3)


def folded_weight(g: Graph, x: str, w: np.ndarray, b: np.ndarray, stride: int) -> str:
    """Weight and bias come out of arithmetic on constants."""
    weight = g("Transpose", g.constant(w.transpose(1, 0, 2, 3)), perm=[1, 0, 2, 3])
    weight = g("Mul", weight, g("Sqrt", g.store(np.full((1, 1, 1, 1), 4))))
    weight = g("Div", weight, g("Cast", g.store(2, np.float64), to=1))
    flat = g("Reshape", g("Neg", g("Sub", g.store(np.zeros_like(b)), g.store(b))), g.whole(-1))
    return g("Conv", x, g("Identity", weight), flat, strides=[stride] * 2, pads=[1] * 4)


def automatic(g: Graph, x: str, w: np.ndarray, b: np.ndarray, stride: int) -> str:
    if stride == 2:
        return plain_conv(g, x, w, b, stride)
    return g("Conv", x, g.store(w), g.store(b), auto_pad="SAME_UPPER")


def computed_shape(g: Graph, x: str) -> str:
    """Flatten as PyTorch's tracer writes view(x.size(0), -1)."""
    batch = g("Gather", g("Shape", x), g.store(0, np.int64), axis=0)
    rest = g("Unsqueeze", g.store(-1, np.int64), g.whole(0))
    return g("Reshape", x, g("Concat", g("Unsqueeze", batch, g.whole(0)), rest, axis=0))


def linear_conv(g: Graph, x: str) -> str:
    return g("Conv", x, g.store(WL[:, :, None, None]), g.store(BL))


def neck(g: Graph, x: str) -> str:
    """A BN in front of the linear layer, which takes it back."""
    gamma, beta, mean, var = np.abs(numbers(6)) + 0.5, numbers(6), numbers(6), np.abs(numbers(6)) + 0.5
    scale = gamma / np.sqrt(var + 1e-5)
    y = g("BatchNormalization", x, *(g.store(a) for a in (gamma, beta, mean, var)))
    return g("Gemm", y, g.store(WL / scale), g.store(BL - (WL / scale) @ (beta - scale * mean)), transB=1)


def other_head(g: Graph, x: str) -> str:
    g("Relu", g("Gemm", x, g.store(WL), g.store(BL + 1), transB=1))  # an auxiliary head, which is no output
    return g("Gemm", x, g.store(WL), g.store(BL), transB=1)


FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bias (C,1,1)": {"conv": bias(lambda g, y, b: g("Add", y, g.store(b[:, None, None])))},
    "bias first": {"conv": bias(lambda g, y, b: g("Add", g.store(b[None, :, None, None]), y))},
    "bias of a Constant": {"conv": bias(lambda g, y, b: g("Add", y, g.constant(b[None, :, None, None])))},
    "bias unsqueezed": {
        "conv": bias(lambda g, y, b: g("Add", y, g("Unsqueeze", g.store(b), g.whole(1, 2)))),
    },
    "bias subtracted": {"conv": bias(lambda g, y, b: g("Sub", y, g.store(-b[:, None, None])))},
    "negated and subtracted": {
        "conv": bias(lambda g, y, b: g("Sub", g.store(b[:, None, None]), g("Mul", y, g.store(-1)))),
    },
    "scaled and back": {
        "conv": bias(
            lambda g, y, b: g(
                "Add", g("Div", g("Mul", y, g.store(4)), g.store([4.0])), g.store(b[:, None, None])
            )
        )
    },
    "BN": {"conv": norm},
    "arithmetic of constants": {"conv": folded_weight},
    "auto_pad": {"conv": automatic},
    "Identity, Cast, Dropout": {
        "activation": lambda g, x: g("Dropout", g("Cast", g("Identity", g("Relu", x)), to=1)),
    },
    "Dropout of opset 10": {"opset": 10, "activation": lambda g, x: g("Dropout", g("Relu", x), ratio=0.5)},
    "Dropout with its mode": {
        "flatten": lambda g, x: g("Dropout", g("Flatten", x), g.store(0.5), g.store(False, np.bool_)),
    },
    "Clip": {"activation": lambda g, x: g("Clip", x, g.store(0))},
    "Clip to infinity": {"activation": lambda g, x: g("Clip", x, g.store(0), g.store(np.inf))},
    "Clip of opset 10": {"opset": 10, "activation": lambda g, x: g("Clip", x, min=0.0)},
    "ReLU twice": {"activation": lambda g, x: g("Relu", g("Relu", x))},
    "mean": {"pool": lambda g, x: g("ReduceMean", x, axes=[2, 3])},
    "mean, negative axes": {
        "pool": lambda g, x: g("ReduceMean", x, axes=[-1, -2], keepdims=0),
        "flatten": lambda g, x: x,
    },
    "mean of opset 18": {"opset": 18, "pool": lambda g, x: g("ReduceMean", x, g.whole(2, 3))},
    "pooling of the whole map": {
        "shape": (1, 3, 9, 12),
        "pool": lambda g, x: g("AveragePool", x, kernel_shape=[5, 6]),
    },
    "Reshape 0, -1": {"flatten": lambda g, x: g("Reshape", x, g.whole(0, -1))},
    "Reshape -1, C": {"flatten": lambda g, x: g("Reshape", x, g.whole(-1, 6))},
    "computed shape": {"flatten": computed_shape},
    "Squeeze": {"flatten": lambda g, x: g("Squeeze", x, g.whole(2, 3))},
    "Squeeze of opset 11": {"opset": 11, "flatten": lambda g, x: g("Squeeze", x, axes=[2, 3])},
    "Gemm, not transposed": {"head": lambda g, x: g("Gemm", x, g.store(WL.T), g.store(BL))},
    "alpha, beta": {
        "head": lambda g, x: g(
            "Gemm", x, g.store(WL * 2), g.store(BL[None] / 4), transB=1, alpha=0.5, beta=4.0
        )
    },
    "MatMul": {"head": lambda g, x: g("Add", g("MatMul", x, g.store(WL.T)), g.store(BL))},
    "MatMul, bias first": {"head": lambda g, x: g("Add", g.store(BL[None]), g("MatMul", x, g.store(WL.T)))},
    "MatMul, transposed weight": {
        "head": lambda g, x: g("Add", g("MatMul", x, g("Transpose", g.store(WL))), g.store(BL))
    },
    "1x1 convolution as head": {"flatten": linear_conv, "head": lambda g, x: g("Flatten", x)},
    "1x1 convolution, no Flatten": {"flatten": lambda g, x: x, "head": linear_conv},
    "neck": {"head": neck},
    "auxiliary head": {"head": other_head},
    "opset 7": {"opset": 7},
    "opset 21": {"opset": 21},
    "no batch": {"shape": (1, 3, 32, 32)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_network(form: str, tmp_path: Path) -> None:
    assert_read(network(tmp_path / "net.onnx", **FORMS[form]), logits(X))
    assert [c.stride for c in import_network(tmp_path / "net.onnx").convs] == list(STRIDES)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_a_tail_behind_the_logits_is_left_out_and_said(kind: str, tmp_path: Path) -> None:
    axis = {} if kind == "Sigmoid" else {"axis": 1}
    path = network(tmp_path / "net.onnx", tail=lambda g, x: g("Identity", g(kind, x, **axis)))
    assert assert_read(path, logits(X))["assumptions"][0]["subject"] == f"{kind} behind the logits"
    result = CliRunner().invoke(main, ["fuse", str(path), "-o", str(tmp_path / "out.safetensors")])
    assert f"assumed: {kind} behind the logits: left out" in result.output
    assert "equal to onnx's reference evaluator: largest difference" in result.output
    assert (
        f"assumed: {kind} behind the logits: left out"
        in CliRunner().invoke(main, ["inspect", str(path)]).output
    )


# --- branches ------------------------------------------------------------------------------------------


def branches(path: Path, kind: str, average: dict[str, Any] | None = None) -> tuple[Path, np.ndarray]:
    """A layer of 3x3, 1x1, identity and perhaps an average, with a BN behind their sum; and its logits."""
    import torch
    import torch.nn.functional as F

    g, w3, w1 = Graph(), numbers(4, 4, 3, 3), numbers(4, 4, 1, 1)
    scale, shift = np.abs(numbers(4)) + 0.5, numbers(4)
    head = numbers(5, 4)
    x = relu(g, plain_conv(g, "x", W0, B0, 2))
    parts = [g("Conv", x, g.store(w3), pads=[1] * 4), g("Conv", x, g.store(w1)), x]
    if average is not None:
        parts.append(g("AveragePool", x, kernel_shape=[3, 3], pads=[1] * 4, **average))
    y = parts[0]
    for part in parts[1:] if kind == "Add" else ():
        y = g("Add", y, part)
    y = g("Sum", *parts) if kind == "Sum" else y
    ones = np.full(4, 1 - 1e-5)
    y = g("BatchNormalization", y, *(g.store(a) for a in (scale, shift, np.zeros(4), ones)))
    y = g("Gemm", g("Flatten", g("GlobalAveragePool", relu(g, y))), g.store(head), transB=1)
    onnx.save(g.model(y), path)

    def t(a: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(a).double()

    z = torch.relu(F.conv2d(t(X), t(W0), t(B0), 2, 1))
    total = F.conv2d(z, t(w3), None, 1, 1) + F.conv2d(z, t(w1)) + z
    if average is not None:
        total += F.avg_pool2d(z, 3, 1, 1)
    z = torch.relu(total * t(scale)[:, None, None] + t(shift)[:, None, None])
    return path, (z.mean((2, 3)) @ t(head).T).numpy()


@pytest.mark.parametrize("kind", ["Add", "Sum"])
def test_branches_with_a_bn_behind_their_sum(kind: str, tmp_path: Path) -> None:
    assert_read(*branches(tmp_path / "net.onnx", kind))


def test_an_average_branch(tmp_path: Path) -> None:
    assert_read(*branches(tmp_path / "net.onnx", "Add", {"count_include_pad": 1}))
    path, _ = branches(tmp_path / "net.onnx", "Add", {"count_include_pad": 0})
    with pytest.raises(InputError, match=r"\(AveragePool\).*it must be global, or 3x3 and count its padding"):
        import_network(path)


# --- the proof can fail ----------------------------------------------------------------------------------

READER_FAULTS: dict[str, tuple[Any, str, Any, dict[str, Any]]] = {
    "stride": (maps, "_stride", lambda reading, op: 1, {}),
    "order of a subtraction": (
        graph.HANDLERS,
        "Sub",
        lambda reading, op: maps.elementwise(reading, replace(op, type="Add")),
        FORMS["bias subtracted"],
    ),
    "axis of a bias": (
        maps,
        "per_channel",
        lambda c, n, axes: np.resize(c, n)[::-1].copy(),
        FORMS["bias first"],
    ),
    "scale of a BN": (
        maps,
        "_affine",
        lambda reading, op, x, scale, shift: x.affine(1.001 * scale, shift),
        FORMS["BN"],
    ),
    "linear layer": (
        graph.HANDLERS,
        "Gemm",
        lambda reading, op: vectors.linear(reading, op, 1.001 * reading.constant(op, 1), None),
        {},
    ),
}


@pytest.mark.parametrize("fault", READER_FAULTS)
def test_a_fault_in_the_reader_is_found_by_the_evaluator(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, name, wrong, form = READER_FAULTS[fault]
    path = network(tmp_path / "net.onnx", **form)
    import_network(path)
    patch = monkeypatch.setitem if isinstance(place, dict) else monkeypatch.setattr
    patch(place, name, wrong)
    with pytest.raises((CheckFailed, InputError), match="reference evaluator"):
        import_network(path)


def test_an_activation_that_is_misread_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = network(tmp_path / "net.onnx", activation=lambda g, x: g("Clip", x, g.store(0), g.store(1)))
    with pytest.raises(InputError, match="an upper bound of 1"):
        import_network(path)
    monkeypatch.setattr(maps, "_NO_LIMIT", 0.5)
    with pytest.raises(CheckFailed, match="reference evaluator"):
        import_network(path)


def test_what_the_evaluator_cannot_run_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("repvgg_hw.checkpoint.onnx_graph.proof._MAX_MACS", 10)
    assert import_network(network(tmp_path / "net.onnx")).provenance["reference_evaluator"] is None
    assert "not run by onnx's reference evaluator (0 GMAC are too many" in caplog.text
