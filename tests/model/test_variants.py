"""The variants' parameters and MACs equal the published table's."""

from __future__ import annotations

import pytest
import torch

from repvgg_hw.errors import InputError
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.model.variants import VARIANTS, get_variant, se_cost

# name: parameters in training form (millions), fused, MACs of the fused network at 224 (billions)
TABLE = {
    "A0": (9.109, 8_309_384, 1.361),
    "A1": (14.092, 12_789_864, 2.364),
    "A2": (28.211, 25_499_944, 5.117),
    "B0": (15.818, 14_339_048, 3.058),
    "B1": (57.415, 51_829_480, 11.815),
    "B1g2": (45.782, 41_360_104, 8.810),
    "B1g4": (39.966, 36_125_416, 7.307),
    "B2": (89.022, 80_315_112, 18.377),
    "B2g2": (70.846, 63_956_712, 13.680),
    "B2g4": (61.758, 55_777_512, 11.332),
    "B3": (123.085, 110_960_872, 26.209),
    "B3g2": (96.912, 87_404_776, 19.446),
    "B3g4": (83.825, 75_626_728, 16.064),
    "D2se": (133.335, 120_387_572, 32.830),
}


def test_every_variant_is_there() -> None:
    assert list(VARIANTS) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_cost_is_the_published_one(name: str) -> None:
    variant, (trained, fused, gmacs) = VARIANTS[name], TABLE[name]
    se = se_cost(variant, 224, 224)
    assert variant.parameters() + se.parameters == fused
    assert round((variant.macs(224, 224) + se.macs) / 1e9, 3) == gmacs
    with torch.device("meta"):
        models = build_model(variant), build_model(variant, deploy=True)
    counts = [sum(p.numel() for p in model.parameters()) for model in models]
    assert round(counts[0] / 1e6, 3) == trained
    assert counts[1] == fused


def test_groups_are_on_even_layers_but_not_on_the_first_and_last() -> None:
    assert VARIANTS["B1g4"].groups == dict.fromkeys(range(2, 27, 2), 4)


@pytest.mark.parametrize("name", ["a0", "RepVGG-A0", "repvgg_a0"])
def test_names_are_forgiving(name: str) -> None:
    assert get_variant(name, num_classes=7, in_channels=1).num_classes == 7
    assert get_variant(name).name == "A0"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'A9'.*A0, A1.*D2se"):
        get_variant("A9")


def test_counts_below_one_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        get_variant("A0", num_classes=0)
