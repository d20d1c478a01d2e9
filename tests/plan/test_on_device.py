"""Plans within a device: they keep its limits, say what is short, and are read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hls_networks import Layer, random_network

from repvgg_hw.cli import main
from repvgg_hw.errors import InputError
from repvgg_hw.plan import device as devices
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.clocks import Clock
from repvgg_hw.plan.rate import fits, rate
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.resources import of_device
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.planner import PLANNER
from repvgg_hw.targets.generate import generate

NETWORK, _ = random_network([Layer(8), Layer(12, 2), Layer(12)], in_shape=(3, 12, 12), classes=4)
WIDE, _ = random_network([Layer(256), Layer(256), Layer(512, 2)], in_shape=(3, 8, 8), classes=10)


def asked(device: str, **others: Any) -> Request:
    return requests.parse("verilog", device=device, **others)


@pytest.mark.parametrize("device", ["pynq-z2", "ultra96", "ulx3s-85f"])
def test_a_plan_keeps_every_limit_and_is_read_back(device: str) -> None:
    request = asked(device, fill=0.5)
    plan = PLANNER.plan(NETWORK, request)
    found = devices.get(device)
    taken = plan.resources(found.family.name)
    assert not list(taken.over(of_device(found, 0.5)))
    assert taken.dsp >= plan.multipliers // (2 if found.family.packs else 1)
    stored = json.loads(json.dumps(requests.to_json(request)))
    restored = PLANNER.restore(json.loads(json.dumps(plan.to_json())), NETWORK, requests.from_json(stored))
    assert restored == plan


def test_more_of_the_device_is_never_slower() -> None:
    intervals = [
        PLANNER.plan(NETWORK, asked("lfe5u-45f", fill=fill)).frame_interval for fill in (0.6, 0.8, 1.0)
    ]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[0] > intervals[-1]


def test_winograd_may_be_used_where_it_is_allowed() -> None:
    direct = PLANNER.plan(NETWORK, asked("lfe5u-45f"))
    both = PLANNER.plan(NETWORK, asked("lfe5u-45f", winograd="auto"))
    assert both.frame_interval <= direct.frame_interval


def test_a_rate_is_reached_with_the_least_and_refused_beyond_the_fastest() -> None:
    fastest = PLANNER.plan(NETWORK, asked("pynq-z2", clock_mhz=100.0))
    assert fastest.fps is not None
    slow = PLANNER.plan(NETWORK, asked("pynq-z2", clock_mhz=100.0, fps=fastest.fps / 4))
    assert slow.fps is not None
    assert slow.fps >= fastest.fps / 4
    assert slow.multipliers < fastest.multipliers
    with pytest.raises(InputError, match=r"on pynq-z2 at a fill of 0.8 the fastest plan takes"):
        PLANNER.plan(NETWORK, asked("pynq-z2", clock_mhz=100.0, fps=fastest.fps * 4))


def test_what_does_not_fit_is_said_with_what_would_help() -> None:
    with pytest.raises(InputError) as refused:
        PLANNER.plan(WIDE, asked("lfe5u-25f"))
    said = str(refused.value)
    assert "\n" not in said
    assert "does not fit lfe5u-25f at a fill of 0.8: the plan that comes nearest takes" in said
    assert "BRAM" in said
    assert "--weight-bits 4" in said
    helped = said.rpartition("or ")[2].split(",")[0]  # the board that is named takes it
    assert PLANNER.plan(WIDE, asked(helped)).frame_interval > 0


def test_no_clock_no_rate_unless_it_is_assumed_or_routed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PLANNER.plan(NETWORK, asked("pynq-z2")).fps is None
    assert asked("pynq-z2", clock_mhz=50.0).device == requests.OnDevice("pynq-z2", 0.8, "assumed")
    with pytest.raises(InputError, match="--fps needs --clock: no such design was routed on pynq-z2"):
        asked("pynq-z2", fps=10.0)
    found = devices.get("ulx3s-85f")
    assert found.board is not None
    board = replace(found.board, clock=Clock(40.0, "a design, routed"))
    monkeypatch.setattr(devices, "get", lambda name: replace(found, board=board))
    routed = asked("ulx3s-85f")
    assert (routed.clock_mhz, routed.device) == (40.0, requests.OnDevice("ulx3s-85f", 0.8, "routed"))


@pytest.mark.parametrize("other", [{"winograd": "auto"}, {"winograd": "2"}, {"architecture": "engine"}])
def test_a_clock_is_quoted_for_the_kind_of_design_that_was_routed(other: dict[str, str]) -> None:
    """The design was a stream without tiles: an engine, and F(4), were routed slower."""
    direct = asked("ulx3s-85f")
    assert direct.clock_mhz is not None
    assert rate(PLANNER.plan(NETWORK, direct), direct).endswith(
        f" frames/s at {direct.clock_mhz:g} MHz (a routed design reached it on the device)"
    )
    assert asked("ulx3s-85f", **other).clock_mhz is None
    assert asked("ulx3s-85f", clock_mhz=50.0, **other).clock_mhz == 50.0


def test_what_is_said_of_a_plan_is_what_is_estimated_now() -> None:
    request = asked("pynq-z2", clock_mhz=50.0)
    plan = PLANNER.plan(NETWORK, request)
    assert isinstance(plan, Plan)
    assert str(fits(plan, request)).startswith(f"fits pynq-z2 at a fill of 0.8, {plan.estimate}: DSP ")
    assert str(fits(plan, asked("pynq-z2", fill=0.01))).startswith("does not fit pynq-z2 at a fill of 0.01")
    assert fits(plan, requests.parse("verilog")) is None
    assert rate(plan, request) == f"{plan.fps:,.1f} frames/s at 50 MHz (assumed)"
    assert rate(replace(plan, clock_mhz=None), request).startswith("no frames/s")


@pytest.mark.parametrize(
    "wrong",
    [{"fill": 0.0}, {"fill": 1.5}, {"fill": float("nan")}, {"multipliers": 5}],
)
def test_what_a_request_cannot_mean_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        asked("pynq-z2", **wrong)


def test_a_request_without_a_device_is_recorded_as_before() -> None:
    assert "device" not in requests.to_json(requests.parse("verilog", multipliers=64))


def test_nothing_is_written_where_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not fit"):
        generate(WIDE, tmp_path / "design", asked("lfe5u-25f"), {})
    assert not (tmp_path / "design").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "kv260", "--multipliers", "9"), "--multipliers and --device exclude each other"),
        (("--device", "kv260", "--dsp", "18x18"), "--dsp and --device exclude each other"),
        (("--fill", "0.5"), "--fill belongs to --device"),
        (("--device", "kv260", "--target", "hls"), "--device belongs to --target verilog"),
        (("--device", "nope"), "there is no device 'nope'"),
        (("--device", "kv260", "--fill", "1.5"), "1.5 is not at most 1"),
    ],
)
def test_options_that_contradict_are_refused(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["generate", "--model", "A0", *words])
    assert result.exit_code == 2
    assert said in result.output.replace("\n", " ")
