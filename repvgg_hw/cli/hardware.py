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
from repvgg_hw.plan.asked import OF_STREAMS, asked
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
STREAMS_ONLY = {f"--{name}": why for name, why in OF_STREAMS.items()}
HARDWARE_RULES = (
    *(void(option, "--architecture engine", why=why) for option, why in STREAMS_ONLY.items()),
    *(
        void(option, f"--architecture {AUTO}", why="it is of streams alone, and decides for one")
        for option in STREAMS_ONLY
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
        context = click.get_current_context()
        words = {"--clock": "clock_mhz"} | {option: option[2:] for option in HARDWARE if option != "--clock"}
        typed = {word: (values.pop(word), given(option, context)) for option, word in words.items()}
        target, _ = typed.pop("target")
        command(asked=asked(target, **{word: value for word, (value, was) in typed.items() if was}), **values)

    return cast(Command, wrapped)
