"""Options that ask for hardware, as one argument `request`: what is searched for, and under which limits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from repvgg_hw.cli.rules import excludes, given, needs, void
from repvgg_hw.cli.values import COUNT, PLACE, SHARE, Real, Word
from repvgg_hw.plan import device as devices
from repvgg_hw.plan import registry as planners
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.choose import AUTO
from repvgg_hw.plan.device import DEFAULT_DSP, DEFAULT_PART, check_part, parse_dsp
from repvgg_hw.targets import registry

Command = TypeVar("Command", bound=Callable[..., None])

HARDWARE = (
    *(
        "--target",
        "--architecture",
        "--device",
        "--fill",
        "--multipliers",
        "--fps",
        "--clock",
        "--winograd",
        "--phases",
        "--dsp",
        "--folding",
    ),
    "--part",
)
# What an engine has one of, for all layers, and its search decides.
OF_STREAMS = {
    "--winograd": "the size of an engine's array decides about its tiles, and is searched for",
    "--phases": "an engine's tiles are for both strides",
    "--dsp": "the widths of an engine's multipliers follow from its array",
    "--folding": "an engine has one array for all layers",
    "--fps": "an engine is searched within --device or --multipliers",
}
HARDWARE_RULES = (
    *(void(option, "--architecture engine", why=why) for option, why in OF_STREAMS.items()),
    *(
        void(option, f"--architecture {AUTO}", why="it is of streams alone, and decides for one")
        for option in OF_STREAMS
    ),
    void(
        "--architecture", "--target hls", unless=("--architecture stream",), why="HLS is written of streams"
    ),
    excludes("--multipliers", "--fps", why="one follows from the other"),
    excludes("--multipliers", "--device", why="a device has a number of its own"),
    excludes("--dsp", "--device", why="a device has multipliers of its own"),
    needs("--fill", "--device"),
    needs("--device", "--target verilog", why="what a device gives is known for the Verilog library alone"),
    void("--phases", "--winograd off"),
    needs("--part", "--target hls"),
)


def hardware_options(command: Command) -> Command:
    """The options of HARDWARE, as one argument `asked`: a request for each architecture that may be taken."""

    @click.option(
        "--target",
        type=click.Choice(registry.names()),
        default=registry.names()[0],
        show_default=True,
        help="Kind of sources.",
    )
    @click.option(
        "--architecture",
        type=click.Choice([AUTO, *planners.names()]),
        help="How the hardware is built; auto: the faster that fits [default: auto with --device, unless an "
        f"option is of streams alone; else {requests.DEFAULT_ARCHITECTURE}].",
    )
    @click.option(
        "--device",
        type=Word("NAME", devices.get),
        help="Plan within this board or part; `repvgg-hw devices` lists them.",
    )
    @click.option(
        "--fill",
        type=SHARE,
        help=f"Share of the device that may be taken [default: {requests.DEFAULT_FILL}, of an engine "
        f"{requests.DEFAULT_FILLS['engine']}].",
    )
    @click.option(
        "--multipliers", type=COUNT, help=f"Budget of multipliers [default: {requests.DEFAULT_MULTIPLIERS}]."
    )
    @click.option(
        "--fps",
        type=Real(requests.SLOWEST_FPS, requests.LARGEST_FPS),
        help="Instead of a budget: frames per second to reach at --clock.",
    )
    @click.option(
        "--clock",
        "clock_mhz",
        type=Real(*requests.CLOCK_MHZ),
        help=f"In MHz [default: {requests.DEFAULT_CLOCK_MHZ:g}, or what is known of --device].",
    )
    @click.option(
        "--winograd",
        type=click.Choice(requests.WINOGRAD),
        default=requests.DEFAULT_WINOGRAD,
        show_default=True,
        help="Tiles that the search may use: none, any, or this one everywhere.",
    )
    @click.option("--phases/--no-phases", default=True, help="Winograd for stride 2 too.")
    @click.option(
        "--dsp",
        type=Word("AxB", parse_dsp),
        default="{}x{}".format(*DEFAULT_DSP),
        show_default=True,
        help="Signed ports of one multiplier.",
    )
    @click.option("--folding", type=PLACE, help='JSON, {"stage1.0": {"pi": 4, "po": 2}}.')
    @click.option(
        "--part",
        type=Word("NAME", check_part),
        default=DEFAULT_PART,
        show_default=True,
        help="Device of the HLS project.",
    )
    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        names = [option.removeprefix("--") for option in HARDWARE if option != "--clock"]
        asked = {name: values.pop(name) for name in (*names, "clock_mhz")}
        wanted = _architectures(asked.pop("architecture"), asked["device"] is not None)
        command(asked=tuple(requests.parse(**asked, architecture=each) for each in wanted), **values)

    return cast(Command, wrapped)


def _architectures(architecture: str | None, on_device: bool) -> list[str]:
    """Those that may be taken: the one that was asked for, else both on a device."""
    context = click.get_current_context()
    if architecture is None:
        of_streams = any(given(option, context) for option in OF_STREAMS)
        architecture = AUTO if on_device and not of_streams else requests.DEFAULT_ARCHITECTURE
    return planners.names() if architecture == AUTO else [architecture]
