"""conv3x3, the whole layer: shapes that break counters, foldings bound by each of the three rates."""

from __future__ import annotations

from pathlib import Path

import pytest
from units import Fault, check

from repvgg_hw.network import signed_bits
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.targets.verilog.netlist import direct_parameters


def layer(
    c_in: int,
    c_out: int,
    height: int,
    width: int,
    *,
    pi: int = 1,
    po: int = 1,
    stride: int = 1,
    groups: int = 1,
    signed: bool = False,
    packed: bool = False,
) -> ConvPlan:
    """A layer wide enough for any weights and the biases of the bench."""
    bound = 9 * c_in // groups * 127 * 255 + (1 << 12)
    return ConvPlan(
        name="layer", c_in=c_in, c_out=c_out, height=height, width=width, stride=stride, groups=groups,
        pi=pi, po=po, in_bits=8, in_signed=signed, weight_bits=8, out_bits=8, acc_bits=signed_bits(bound),
        packed=packed,
    )  # fmt: skip


SHAPES = {
    "one_channel": layer(1, 1, 5, 4),
    "one_pixel": layer(3, 5, 1, 1),
    "one_row": layer(2, 4, 1, 7, po=2),
    "one_column": layer(2, 4, 7, 1, pi=2),
    "odd_stride2": layer(3, 4, 7, 5, stride=2, po=2, signed=True),
    "even_stride2": layer(4, 4, 6, 8, stride=2, pi=2),
    "one_pixel_stride2": layer(2, 2, 1, 1, stride=2),
    "prime_channels": layer(7, 5, 4, 3),
    "prime_channels_whole": layer(5, 7, 3, 5, pi=5, po=7),
    "groups": layer(8, 12, 4, 4, groups=4, pi=2, po=3),
    "groups_stride2": layer(6, 6, 5, 5, stride=2, groups=2),
    "depthwise": layer(4, 4, 5, 4, groups=4),
    "stem": layer(3, 8, 8, 8, stride=2, pi=3, po=4, signed=True),
    "stem_packed": layer(3, 8, 6, 6, stride=2, pi=3, po=4, signed=True, packed=True),
    "odd_packed": layer(4, 6, 4, 5, groups=2, po=3, packed=True),
}
# Each bound by another rate; the interval is compared with the plan's in every case.
RATES = {
    "compute": layer(4, 8, 4, 6, pi=2, po=2),
    "fetch": layer(4, 6, 5, 5, pi=1, po=6),
    "fetch_sliding": layer(3, 4, 6, 4, pi=3, po=4),
    "write_words_stride2": layer(4, 8, 6, 6, stride=2, pi=2, po=8),
    "write_stride2": layer(3, 4, 9, 12, stride=2, pi=3, po=4),
    "all_parallel": layer(4, 6, 5, 6, pi=4, po=6),
    "groups_all_parallel": layer(6, 6, 4, 5, groups=2, pi=3, po=3),
    "packed": layer(4, 8, 4, 6, pi=2, po=2, packed=True),
    "all_packed": layer(4, 4, 5, 6, pi=4, po=4, packed=True),
}


# Of how the layer joins its units; those have faults of their own.
FAULTS: dict[str, dict[str, Fault]] = {
    "shapes": {
        "lost": Fault("one_row", ".m_axis_tready(window_tready)", ".m_axis_tready(1'b1)", stalls="choked"),
        "no_room": Fault("one_row", "(!first_q || start_ok)", "1'b1", "a set began without room",
                         module="rvg_issue", stalls="choked"),
        "unsigned": Fault("stem", ".X_SIGNED(X_SIGNED)", ".X_SIGNED(1'b0)"),
    },
    "rates": {},
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_conv3x3(tmp_path: Path, kind: str) -> None:
    plans = {"shapes": SHAPES, "rates": RATES}[kind]
    cases = {name: direct_parameters(plan) for name, plan in plans.items()}
    check(tmp_path, "rvg_conv3x3", cases, FAULTS[kind])


def test_rates_are_bound_as_named() -> None:
    """The cases above really cover all three bounds."""
    bound = {
        name: max(("compute", "fetch", "write"), key=lambda rate: getattr(plan, f"{rate}_cycles"))
        for name, plan in RATES.items()
    }
    for name in RATES:
        if name.split("_")[0] in ("compute", "fetch", "write"):
            assert bound[name] == name.split("_")[0], name
