"""Two products in one multiplier: exact for all operands, by exhaustion, at the extremes, and by a solver.

The definition is written from the slice's ports: one product of a 27-bit and an 18-bit signed number, summed
in 48 bits. What the chain may sum is the header of rvg_pair_accumulate.sv.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from prover import needs_prover, prove, refute

from repvgg_hw.plan.stream.timing import PAIR_BITS, pair_chain

FIELD = PAIR_BITS - 8
HALF = 1 << FIELD - 1
WEIGHTS = np.arange(-127, 128, dtype=np.int64)


def operand(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The bits {second - (first < 0), sign of first, first} as a signed number of 27 bits."""
    upper = second - (first < 0) & 255
    bits = upper << FIELD | first & (1 << FIELD) - 1
    return np.where(bits >> PAIR_BITS - 1 & 1, bits - (1 << PAIR_BITS), bits)


def test_every_pair_of_products() -> None:
    """All of 255 x 255 weights by 384 operands: the product is both products, each in its place."""
    first, second = np.meshgrid(WEIGHTS, WEIGHTS)
    both = operand(first, second)
    assert np.abs(both).max() < 1 << PAIR_BITS - 1
    for x in range(-128, 256):
        product = both * x
        assert (product == (second * x << FIELD) + first * x).all()


@pytest.mark.parametrize(("low", "high", "signed"), [(0, 255, False), (-128, 127, True)])
def test_every_chain_at_the_extremes(low: int, high: int, signed: bool) -> None:
    """Every choice of extreme products of a chain as long as it may be; the lower sum and the upper one.

    Each product lies between its extremes, so no sum leaves what these reach.
    """
    most = pair_chain(8, signed, 8)
    assert most == (9 if signed else 8)
    extremes = [(x, w, v) for x in (low, high) for w in (-127, 127) for v in (-127, 127)]
    terms = sorted({int(operand(np.array(w), np.array(v))) * x for x, w, v in extremes})
    parts = sorted({(w * x, v * x) for x, w, v in extremes})
    of_parts = {(w * x, v * x): int(operand(np.array(w), np.array(v))) * x for x, w, v in extremes}
    assert sorted(set(of_parts.values())) == terms
    for chosen in itertools.combinations_with_replacement(parts, most):
        total = HALF + sum(of_parts[part] for part in chosen)
        assert (total & (1 << FIELD) - 1) - HALF == sum(part[0] for part in chosen)
        assert total >> FIELD == sum(part[1] for part in chosen)


def test_one_product_more_is_too_many() -> None:
    total = HALF + 9 * 255 * 127
    assert (total & (1 << FIELD) - 1) - HALF != 9 * 255 * 127


HARNESS = """
module harness(input signed [{low}:0] low, input signed [27:0] high);
  // a sum of products of {length}: the lower one within its bound, the upper one anything
  wire signed [47:0] both = $signed({{high, {field}'b0}}) + low + 48'sd{half};
  wire signed [{top}:0] found = {{~both[{top}], both[{below}:0]}};
  always @* begin
    assume (low <= {bound} && low >= -{bound});
    assert (found == low);
    assert ($signed(both[47:{field}]) == high);
  end
endmodule
"""


def harness(length: int) -> dict[str, str]:
    text = HARNESS.format(
        length=length, low=FIELD + 4, field=FIELD, half=HALF, top=FIELD - 1, below=FIELD - 2,
        bound=length * 255 * 127,
    )  # fmt: skip
    return {"harness.sv": text}


@pytest.mark.slow
@needs_prover
def test_taking_apart_by_solver(tmp_path: Path) -> None:
    """For every lower sum within the bound and every upper one; a chain one longer is refuted."""
    for name in ("sound", "longer"):
        (tmp_path / name).mkdir()
    prove(tmp_path / "sound", harness(8), unbounded=False)
    refute(tmp_path / "longer", harness(9), cycles=1)
