"""Every option of every command with values that it must refuse, from what the commands declare."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import click

from repvgg_hw.cli import COMMANDS, main
from repvgg_hw.cli.values import Real, Whole
from tests.abuse.case import OK, WRONG, Case

# A whole, right command for each, to which one wrong option is added: nothing else in it is refused.
BASES: dict[str, tuple[str, ...]] = {
    "models": (),
    "devices": (),
    "inspect": ("net.safetensors", "--input-size", "8"),
    "fuse": ("net.safetensors", "-o", "fused.safetensors"),
    "generate": (
        *("--weights", "net.safetensors", "--calibration", "images", "--method", "minmax"),
        *("--multipliers", "64", "-o", "new"),
    ),
    "program": (
        *("engine", "--weights", "net.safetensors", "--calibration", "images", "--method", "minmax"),
        *("-o", "new"),
    ),
    "simulate": ("design", "--limit", "1"),
    "synth": ("design", "--device", "kv260", "--layer", "stage0"),
    "evaluate": ("net.safetensors", "--data", "images.npz", "--calibration", "images", "--method", "minmax"),
    "board": ("design", "--board", "pynq-z2", "-o", "new"),
    "report": ("design",),
    "train": (
        "images",
        "--input-size",
        "8",
        "--widths",
        "4,4",
        "--epochs",
        "1",
        "--batch-size",
        "2",
        "-o",
        "new.pth",
    ),
    "latency": ("--model", "A0", "--input-size", "32", "--device", "cpu", "--seconds", "0.2"),
}
BESIDE = {"program": ("engine",)}  # what of the shelf a command's base names
NO_NUMBER = ("", "abc", "nan", "1,5", "0x10", "--help")
HUGE = "99999999999999999999"
WHOLE = (*NO_NUMBER, "1_0", "\u0663", "\uff11", "0", "-1", "1.5", "inf", HUGE)
REAL = ("", "1_0", "\u0663", "abc", "nan", "inf", "-inf", "-1", "1e400", "1,5")
LISTS = ("", ",", "nan,nan,nan", "inf,inf,inf", "a,b,c", "0.5,0.5", "0.5;0.5;0.5", "1e400,1,1", "0.5,,0.5")
FILES = (
    "missing",
    "images",
    "empty",
    "text.txt",
    "/dev/null",
    "net.pth",
    "",
    "a\nb",
    "x" * 300,
    "text.txt/below",
)
FOLDERS = ("missing", "empty", "text.txt", "/dev/null", "foreign", "", "x" * 300, "text.txt/below")
WORDS = ("", "nope", "../x", "a b", "$(ls)", "[exec ls]", "x; exec y", "é", "[bold]x[/]")

# By the option's name, where its type does not say enough; None: nothing typed there is wrong in itself.
SPECIAL: dict[str, tuple[str, ...] | None] = {
    "--seed": (*NO_NUMBER, "-1", "1.5", HUGE),
    "--limit": tuple(v for v in WHOLE if v != HUGE),
    "--calibration-limit": tuple(v for v in WHOLE if v != HUGE),
    "--jobs": tuple(v for v in WHOLE if v != HUGE),
    "--stalls": tuple(v for v in WHOLE if v != HUGE),
    "--multipliers": tuple(v for v in WHOLE if v != HUGE),
    "--weight-memory": tuple(v for v in WHOLE if v != HUGE),
    "--input-size": (*WHOLE, "8x", "x8", "8x0", "8x8x8", "200000", "8x200000"),
    "--clock": (*REAL, "0", "1e-300", "1e300"),
    "--fps": (*REAL, "0", "1e-300", "1e300"),
    "--timeout": (*REAL, "0"),
    "--seconds": (*REAL, "0"),
    "--eps": (*REAL, "1"),
    "--tolerance": (*REAL, "0"),
    "--crop-pct": (*REAL, "0", "1.5"),
    "--mean": (*LISTS, "123.675,116.28,103.53"),
    "--std": (*LISTS, "0,0,0", "-1,1,1", "58.395,57.12,57.375"),
    "--strides": ("", ",", "a", "0,0,0", "3,3,3", "2", "2,2", "2,2,2,2,2,2", "-1,2,2", "1.5,2,2", HUGE),
    "--groups": ("", ",", "a", "0,0,0,0", "2,1,1,1", "1", "-1,1,1,1", "1.5,1,1,1", HUGE),
    "--winograd": ("", "1", "8", "-1", "AUTO!", "2.0", "nan"),
    "--dsp": ("", "27", "0x0", "27x18x3", "8x8", "axb", "1e9x2", "-27x18", "27X"),
    "--device": ("", "tpu", "cuda:99", "cuda:-1", "cpu:x", "nope"),
    "--expect": tuple(v for v in FILES if v != "net.pth"),
    "--folding": (*FILES, "bits.json"),
    "--bits": (*FILES, "folding.json"),
    "--class-index": FILES,
    "--calibration": (*FOLDERS, "net.safetensors"),
    "--images": (*FOLDERS, "net.safetensors"),
    "--data": (*FOLDERS, "net.safetensors"),
    "--val": FOLDERS,
    "--weights": (
        "missing",
        "images",
        "empty",
        "text.txt",
        "/dev/null",
        "",
        "hf://",
        "hf://a",
        "x" * 300,
        "design",
    ),
    "--design": FOLDERS,
    "--image": (*FOLDERS, "design", "hls", "net.pth"),
    "--output": ("text.txt", "foreign", "/dev/null", "/dev/null/x", "text.txt/below", "", "x" * 300),
    "--junit": ("images", "/dev/full", "/dev/null/x", "text.txt/below", ""),
    "--html": ("images", "/dev/full", "/dev/null/x", "text.txt/below", ""),
    "--plot": ("images", "/dev/full", "/dev/null/x", "text.txt/below", ""),
    "--markdown": ("images", "/dev/full", "/dev/null/x", "text.txt/below", ""),
    "--method": WORDS,
    "--model": WORDS,
    "--part": ("", "a b", "x; exec y", "[exec ls]", "$env(HOME)", 'x" y', "x\ny", "é", "x" * 300),
    "--layer": WORDS,
    "--assume": ("", "nope", "nope=1", "order", "order=", "=file", "order=nope"),
    "--scheduler": ("", "nope", "tcp://", "tcp://127.0.0.1:1", "http://127.0.0.1:1"),
    "--waves-window": None,
    "--for": None,  # of engines: engine_commands.py
}


RIGHT = {("train", "--strides", "2,2")}  # wrong for the other commands' network


def commands() -> dict[str, click.Command]:
    """Every command by name."""
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def wrong_values(option: click.Option) -> tuple[str, ...]:
    """Values that this option must refuse."""
    names = [*option.opts]
    for name in names:
        if name in SPECIAL:
            return SPECIAL[name] or ()
    if isinstance(option.type, click.Choice):
        return WORDS
    if isinstance(option.type, Real):
        return REAL
    if isinstance(option.type, Whole):
        return WHOLE
    if isinstance(option.type, click.Path):
        return FILES
    return WORDS


def values() -> Iterator[Case]:
    """One wrong value each."""
    for command, declared in commands().items():
        base = BASES.get(command)
        if base is None:
            continue
        for option in declared.params:
            if not isinstance(option, click.Option) or option.is_flag or option.name == "help":
                continue
            flag = max(option.opts, key=len)
            wrong = wrong_values(option)
            if command == "program" and flag != "--output":  # generate's options, by the same code
                wrong = wrong[:2]
            for value in wrong:
                if (command, flag, value) in RIGHT:
                    continue
                words, beside = with_option(command, flag, value), BESIDE.get(command, ())
                yield Case("option values", f"{command} {flag} {value[:40]!r}", words, beside=beside)


def with_option(command: str, flag: str, value: str) -> tuple[str, ...]:
    """The command's base with this option; what the base says of it, or what excludes it, is left out."""
    base = list(BASES[command])
    excluded = {"--weights": ("--calibration", "--weights"), "--model": ("--weights", "--calibration")}
    for other in (flag, "-o" if flag == "--output" else flag, *({"--fps": ("--multipliers",)}.get(flag, ()))):
        drop(base, other)
    if flag in excluded and flag == "--model":
        for other in excluded[flag]:
            drop(base, other)
    return (command, *base, flag, value)


def drop(base: list[str], flag: str) -> None:
    """Remove a flag and its value."""
    if flag in base:
        place = base.index(flag)
        del base[place : place + 2]


def right() -> Iterator[Case]:
    """The commands themselves, without which a wrong option would prove nothing."""
    for command, base in BASES.items():
        limit = 600.0 if command in ("simulate", "synth") else Case.limit
        beside = BESIDE.get(command, ())
        yield Case("right commands", command, (command, *base), frozenset({OK}), limit=limit, beside=beside)


def usage() -> Iterator[Case]:
    """What is typed is no command at all, or too much, or too little."""
    for command in commands():
        yield Case("usage", f"{command} --nope", (command, "--nope"))
        yield Case("usage", f"{command} too many words", (command, *BASES.get(command, ()), "a", "b", "c"))
        yield Case("usage", f"{command} --help", (command, "--help"), frozenset({OK}))
        for option in commands()[command].params:
            if isinstance(option, click.Option) and not option.is_flag:
                flag = max(option.opts, key=len)
                yield Case("usage", f"{command} {flag} without a value", (command, flag))
    for words in ((), ("nope",), ("--nope",), ("",), ("-",)):
        codes = frozenset({OK, WRONG}) if not words else frozenset({WRONG})
        yield Case("usage", f"repvgg-hw {words}", words, codes)


def all_pairs() -> Iterator[Case]:
    """Any two flags of a command together end with a word, never with a traceback."""
    for command in ("fuse", "inspect", "report", "models"):
        flags = [
            max(option.opts, key=len)
            for option in commands()[command].params
            if isinstance(option, click.Option) and option.is_flag and option.name != "help"
        ]
        for first, second in combinations(flags, 2):
            name = f"{command} {first} {second}"
            yield Case(
                "pairs of flags", name, (command, *BASES[command], first, second), frozenset({OK, 1, WRONG})
            )
