"""Every kind of value, at its limits and beyond."""

from __future__ import annotations

from typing import Any

import click
import pytest

from repvgg_hw.cli.values import INPUT_SIZE, NUMBERS, PLACE, SEED, SOURCE, STRIDES, Listed, Real, Whole
from repvgg_hw.errors import InputError
from repvgg_hw.plan.device import check_part, parse_dsp
from repvgg_hw.plan.request import Request


def refused(kind: click.ParamType[Any], text: str) -> bool:
    """Whether a kind of value refuses this text."""
    try:
        kind.convert(text, None, None)
    except click.BadParameter:
        return True
    return False


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1.0", "1e3", "1_000", "\uff11", "0x1", "--1", "9" * 40]
)
def test_whole_numbers_are_plain(text: str) -> None:
    assert refused(Whole(-(10**30), 10**30), text)


def test_whole_numbers_keep_their_limits() -> None:
    assert [refused(Whole(4, 8), str(n)) for n in (3, 4, 8, 9)] == [True, False, False, True]
    assert SEED.convert(str(2**63 - 1), None, None) == 2**63 - 1
    assert refused(SEED, str(2**63))


@pytest.mark.parametrize("text", ["", "x", "nan", "NaN", "-nan", "inf", "-inf", "infinity", "1e400", "1,5"])
def test_reals_are_finite(text: str) -> None:
    assert refused(Real(), text)


def test_reals_keep_their_limits() -> None:
    closed, opened = Real(0, 1), Real(over=0, under=1)
    assert [refused(closed, text) for text in ("-0.1", "0", "1", "1.1")] == [True, False, False, True]
    assert [refused(opened, text) for text in ("0", "0.5", "1")] == [True, False, True]


def test_lists() -> None:
    assert STRIDES.convert("2, 2,1", None, None) == (2, 2, 1)
    assert NUMBERS.convert("0,0.5", None, None) == (0.0, 0.5)
    for text in ("", ",", "1,", "1,,1", "1;1"):
        assert refused(Listed(Real(), "1,2"), text)
    assert refused(NUMBERS, "0.5,nan")


def test_sizes_have_a_limit() -> None:
    assert INPUT_SIZE.convert("8192x1", None, None) == (8192, 1)
    assert refused(INPUT_SIZE, "8193")
    assert refused(INPUT_SIZE, "1x8193")


def test_an_empty_path_is_not_the_working_directory() -> None:
    for kind in (PLACE, SOURCE):
        assert refused(kind, "")
        assert refused(kind, " ")
        assert refused(kind, "a\0b")


@pytest.mark.parametrize(
    "name", ["", "x; exec y", "[exec ls]", "$env(HOME)", 'x"', "x y", "x\n", "é", "-x", "x" * 65]
)
def test_a_device_that_reaches_tcl_is_a_name(name: str) -> None:
    with pytest.raises(InputError, match="device"):
        check_part(name)
    with pytest.raises(InputError, match="device"):
        Request("hls", part=name)


@pytest.mark.parametrize("clock", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_clock_that_no_design_has(clock: float) -> None:
    with pytest.raises(InputError, match="clock"):
        Request("verilog", clock_mhz=clock)


@pytest.mark.parametrize("text", ["", "27", "8x27", "27x8", "65x18", "27X18", " 27x18", "2\uff17x18"])
def test_ports(text: str) -> None:
    assert parse_dsp("9x64") == (9, 64)
    with pytest.raises(InputError, match="ports"):
        parse_dsp(text)
