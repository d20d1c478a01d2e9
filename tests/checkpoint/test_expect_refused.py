"""An expectation that could not fail, or that does not fit the network, is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from expected_net import IMAGES, KNOWN, State, fuse, outputs, trained, truth
from torch import Tensor

from repvgg_hw.checkpoint import import_network, load_expectation
from repvgg_hw.errors import InputError

torch.set_num_threads(1)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return trained(tmp_path)


def bias_only(state: State) -> None:
    state["linear.bias"] += 1e6


def never_negative(state: State) -> None:
    for key, value in state.items():
        if value.ndim == 4:
            value.abs_()
        elif key.endswith("1.bias"):
            value += 20


CANNOT_FAIL: dict[str, tuple[Callable[[State], None] | None, Tensor, str]] = {
    "constant images": (
        None,
        torch.ones(3, 3, 12, 11) * torch.arange(3.0)[:, None, None, None],
        "x is constant",
    ),
    "one image, thrice": (None, IMAGES[:1].expand(3, -1, -1, -1), "y is the same for all 3 images"),
    "one pixel": (None, IMAGES[:, :, :1, :1], "x is constant"),
    "symmetric": (None, IMAGES + IMAGES.flip(2, 3), "with its images turned upside down"),
    "bias alone": (bias_only, IMAGES[:1], "with its images turned upside down"),
    "ReLU does nothing": (never_negative, IMAGES, "with every ReLU left out"),
}


@pytest.mark.parametrize("case", CANNOT_FAIL)
def test_a_check_that_cannot_fail_is_refused(case: str, state: State, tmp_path: Path) -> None:
    change, x, message = CANNOT_FAIL[case]
    if change is not None:
        change(state)
        torch.save(state, tmp_path / "net.pth")
    result = fuse(tmp_path, "--expect", outputs(truth(state), tmp_path / "y.npz", x))
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "proves nothing" in result.output
    assert not (tmp_path / "out.safetensors").exists()


def test_zeros_prove_nothing(state: State, tmp_path: Path) -> None:
    np.savez(tmp_path / "y.npz", x=IMAGES.numpy(), y=np.zeros((3, 5)))
    assert "y is zero everywhere" in fuse(tmp_path, "--expect", tmp_path / "y.npz").output


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((3, 12, 11), (3, 5), r"x has shape \(3, 12, 11\)"),
        ((3, 3, 12, 11), (5,), r"y has shape \(5,\)"),
        ((3, 3, 12, 11), (2, 5), r"y has shape \(2, 5\); \(3, classes\)"),
        ((3, 3, 12, 11), (3, 6), r"y has shape \(3, 6\), the network gives \(3, 5\)"),
        ((3, 3, 12, 11), (3, 12, 3, 3), r"the network gives \(3, 5\)"),
        ((3, 1, 12, 11), (3, 5), "x has 1 channels, the network reads 3"),
    ],
)
def test_shapes_that_do_not_fit(
    x: tuple[int, ...], y: tuple[int, ...], message: str, state: State, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "y.npz", x=rng.standard_normal(x), y=rng.standard_normal(y))
    with pytest.raises(InputError, match=message):
        import_network(
            tmp_path / "net.pth",
            **KNOWN,
            expect=load_expectation(tmp_path / "y.npz"),
        )
