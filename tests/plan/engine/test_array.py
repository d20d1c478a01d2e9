"""What an engine is, and which one line says why a network does not fit it."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from engine_cases import network_of, random_array, random_network

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.limits import check, check_memory
from repvgg_hw.plan.engine.schedule import plan

ROOMY = Array(
    n=5, pi=2, po=2, lanes=1, t_max=8, word_depth=64, line_depth=16, out_words=16, c_max=64, acc_w=32
)


def test_the_pool_holds_the_sum_of_a_strip() -> None:
    """All pixels 255: 8 tiles of 3 x 3 reach 18,360, 15 bits."""
    assert replace(ROOMY, pool_w=15).pool_w == 15
    with pytest.raises(InputError, match="pool_w holds the sum of a strip, 15 bits; 14 is not"):
        replace(ROOMY, pool_w=14)


def test_identity_depends_on_every_parameter() -> None:
    other = {"n": 7, "lanes": 2, "line_depth": 32, "bd": 16, "bw": 16, "pool_w": 25}
    changed = {
        field.name: replace(ROOMY, **{field.name: other.get(field.name, getattr(ROOMY, field.name) + 1)})
        for field in fields(ROOMY)
        if field.name not in ("po", "acc_w", "word_uram")  # nothing to an image: which memory words are in
    } | {"po": replace(ROOMY, po=3), "acc_w": replace(ROOMY, acc_w=31)}
    identities = {name: array.identity for name, array in changed.items()}
    assert len({ROOMY.identity, *identities.values()}) == len(identities) + 1
    assert replace(ROOMY).identity == ROOMY.identity < 1 << 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 4),
        ("lanes", 3),
        ("t_max", 17),
        ("bd", 4),
        ("line_depth", 24),
        ("line_depth", 1),
        ("acc_w", 33),
        ("pi", 0),
        ("slots", 1),
    ],
)
def test_parameters_are_checked(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"an engine's {name} "):
        replace(ROOMY, **{name: value})


@pytest.mark.parametrize(
    ("pi", "po", "bw", "sets", "beats"),
    [(1, 2, 8, 4, 9), (1, 1, 8, 8, 9), (2, 7, 64, 1, 2), (4, 4, 8, 1, 18)],
)
def test_blocks_of_weights(pi: int, po: int, bw: int, sets: int, beats: int) -> None:
    """18 bytes a set: four of them fill nine beats; what does not fill a beat is padded."""
    assert replace(ROOMY, pi=pi, po=po, lanes=1, bw=bw).block == (sets, beats)


def fitting() -> IntegerNetwork:
    return network_of([(4, 1, 1), (6, 2, 2)], (3, 9, 40), 5)


def with_conv(**changes: object) -> IntegerNetwork:
    network = fitting()
    return replace(network, convs=(network.convs[0], replace(network.convs[1], **changes)))  # type: ignore[arg-type]


CASES = {
    "words": (fitting(), {"word_depth": 1}, "stage0.0 .* 2 words of 2 channels, word_depth is 1"),
    "lines": (fitting(), {"line_depth": 2}, "stage0.0 .* no strip .* line_depth = 2"),
    "slots": (fitting(), {"out_words": 1, "t_max": 3}, "stage0.0 .* out_words = 1"),
    "sums": (fitting(), {"acc_w": 18}, "stage0.0 .* bits, acc_w is 18"),
    "pool": (fitting(), {"c_max": 5}, "linear layer .* 6 inputs, c_max is 5"),
    "pooled": (
        fitting(),
        {"pool_w": 14, "n": 3},
        "linear layer .* pool's sums reach 25500, pool_w is 14 bits",
    ),
    "weight": (with_conv(weight=np.full((6, 2, 3, 3), -128, np.int8)), {}, "stage1.0 .* -128 excluded"),
    "multiplier": (with_conv(multiplier=np.full(6, 1 << 17, np.int32)), {}, "stage1.0 .* 17 bits"),
    "shift": (with_conv(shift=41), {}, "stage1.0 .* shift of 40"),
    "empty": (replace(fitting(), convs=()), {}, "has none"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_limit_that_is_exceeded_is_named(name: str) -> None:
    network, changes, message = CASES[name]
    check(fitting(), ROOMY)
    with pytest.raises(InputError, match=message) as error:
        check(network, replace(ROOMY, **changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", range(20))
def test_strips_keep_the_limits_and_cover_the_map(seed: int) -> None:
    network = random_network(seed)
    array = random_array(network, seed)
    for layer, strips in plan(network, array).strips:
        covered = np.zeros((layer.tile_rows, layer.tile_columns), int)
        for strip in strips:
            covered[strip.y : strip.y + strip.rows, strip.x : strip.x + strip.columns] += 1
            assert strip.tiles <= array.t_max
            assert layer.words * strip.tiles <= array.word_depth
            assert layer.load_beats(strip) <= array.line_depth
            assert not layer.stored or strip.rows * layer.store_beats(strip) <= array.out_words
            assert strip.x * layer.kind.m % array.bd == 0
        assert (covered == 1).all()


def test_what_exceeds_32_bits_of_address_is_refused() -> None:
    check_memory(1 << 31, 1 << 30, 1 << 29, 1 << 29)
    with pytest.raises(InputError, match="4,294,967,297 bytes, 32-bit addresses reach 4,294,967,296"):
        check_memory(1 << 31, 1 << 30, 1 << 29, (1 << 29) + 1)
