"""The kernels as the compiler makes them, and on a GPU where there is one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from repvgg_hw import golden
from repvgg_hw.gpu.synthetic import synthetic_network
from repvgg_hw.model.variants import get_variant

torch = pytest.importorskip("torch")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


COMPILE = """
from benchmarks.gpu_code import compiled, convolution
from repvgg_hw.gpu import kernels
from repvgg_hw.gpu.tiles import Tile

tile = Tile(64, 64, 64)
head = dict(C=1280, BLOCK_N=32, BLOCK_K=128)
codes = [convolution(spans, capability, tile) for spans in (3, 9) for capability in (80, 90)]
codes.append(compiled(kernels.linear_kernel, 90, tile, CLASSES=1000, DIGITS=2, BLOCK_M=16, **head))
codes.append(compiled(kernels.global_sum_kernel, 90, tile, C=1280, ZERO=128, BLOCK_P=64, BLOCK_C=64))
for code in codes:
    print(" ".join(code.asm["ptx"].split()))
"""


AMPERE = "mma.sync.aligned.m16n8k32.row.col.satfinite.s32.s8.s8.s32"


HOPPER = "wgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8"


@pytest.fixture(scope="module")
def ptx() -> list[str]:
    """The kernels compiled for an A100 and an H100; needs no GPU, and must not run in the interpreter."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", COMPILE], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()


def test_compiles_to_int8_matrix_instructions(ptx: list[str]) -> None:
    """int8 matrix units, asynchronous 16-byte loads, 16-byte stores, a wide multiply-add."""
    *convolutions, linear, pool = ptx
    for code, instruction in zip(convolutions, (AMPERE, HOPPER, AMPERE, HOPPER), strict=True):
        assert instruction in code
        assert "cp.async.cg.shared.global" in code
        assert "st.global.v4.b32" in code
        assert "st.global.b8" not in code
        assert "mad.wide.s32" in code
    assert AMPERE in linear  # 16 images per program are fewer than a warp group's 64
    assert "st.global" in pool


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE == "cpu", reason="no CUDA device: torch.cuda.is_available() is false")
@pytest.mark.parametrize("model", ["A0", "B1g4"])
def test_whole_variant_on_the_gpu(model: str) -> None:
    """Every image's logits, with the default tiles and with the tuned ones."""
    from repvgg_hw.gpu.runner import Runner

    network = synthetic_network(get_variant(model), (64, 64))
    x = np.random.default_rng(0).integers(-128, 128, (8, 3, 64, 64)).astype(np.int8)
    expected = golden.forward(x, network)
    for tune in (False, True):
        np.testing.assert_array_equal(Runner(network, 8, DEVICE, tune=tune).run(x), expected)
