"""Pairs of options of which one makes the other void, as somebody wrote them down; `pairs.py` tries all."""

from __future__ import annotations

from collections.abc import Iterator

from tests.abuse.case import Case
from tests.abuse.options import commands

NEW = ("--input-size", "8", "--widths", "4,4", "--epochs", "1", "--batch-size", "2", "-o", "new.pth")
QAT = ("--qat", "net.pth", "--epochs", "1", "--batch-size", "2", "-o", "new.npz")
OF_QAT = (
    ("--integers", "design/network.npz"),
    ("--eps", "1e-3"),
    ("--groups", "1,1,1,1"),
    ("--assume", "order=file"),
    ("--head", "none"),
    ("--method", "minmax"),
    ("--weight-bits", "4"),
    ("--activation-bits", "4"),
    ("--bits", "bits.json"),
    ("--weight-memory", "9999"),
)
DECIDED = (*OF_QAT[-5:], ("--mean", "0.1,0.2,0.3"), ("--std", "0.5,0.6,0.7"))  # by --integers
NOT_OF_QAT = (
    ("--block", "dbb"),
    ("--scales", "net.pth"),
    ("--momentum", "0.5"),
    ("--weight-decay", "0.5"),
    ("--label-smoothing", "0.5"),
    ("--ema", "0.5"),
    ("--amp",),
    ("--channels", "1"),
    ("--device", "cpu"),
    ("--resume",),
    ("--save-every", "3"),
    ("--no-save",),
    ("--log", "log.csv"),
    ("--tensorboard", "events"),
)

# The first makes the second void: refused, and the second is named.
VOID: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "generate": (
        (("--model", "A0"), ("--weights", "net.pth")),
        (("--model", "A0"), ("--calibration", "images")),
        (("--model", "A0"), ("--calibration-limit", "2")),
        (("--model", "A0"), ("--preprocess", "resize")),
        (("--model", "A0"), ("--eps", "1e-3")),
        (("--model", "A0"), ("--strides", "2,2,2")),
        (("--model", "A0"), ("--expect", "images.npz")),
        (("--weights", "net.pth", "--calibration", "images"), ("--classes", "2")),
        (("--weights", "net.pth", "--calibration", "images"), ("--seed", "3")),
        (("--weights", "net.pth", "--calibration", "images", "--multipliers", "64"), ("--fps", "100")),
        (("--weights", "net.pth", "--calibration", "images"), ("--no-phases",)),
        (("--weights", "net.pth", "--calibration", "images"), ("--part", "xczu7ev-ffvc1156-2-e")),
        (("--weights", "net.pth", "--calibration", "images", "--bits", "bits.json"), ("--weight-bits", "8")),
        (
            ("--weights", "net.pth", "--calibration", "images", "--bits", "bits.json"),
            ("--activation-bits", "8"),
        ),
        (
            ("--weights", "net.pth", "--calibration", "images", "--bits", "bits.json"),
            ("--weight-memory", "9999"),
        ),
        (("--weights", "net.pth", "--calibration", "images"), ("--crop-pct", "0.9")),
    ),
    "simulate": (
        (("design",), ("--jobs", "2")),
        (("design",), ("--scheduler", "tcp://127.0.0.1:1")),
        (("design",), ("--waves-window", "0", "10")),
        (("design",), ("--class-index", "bits.json")),
        (("design", "--layer", "stage0"), ("--layers",)),
        (("design", "--layer", "stage0"), ("--jobs", "2")),
        (("design", "--layers"), ("--waves",)),
        (("hls",), ("--stalls", "1")),
        (("hls",), ("--waves",)),
        (("hls",), ("--layers",)),
        (("hls",), ("--timeout", "5")),
    ),
    "synth": (
        (("design", "--device", "kv260"), ("--jobs", "2")),
        (("design", "--device", "kv260"), ("--bitstream", "new.bit")),
        (("design", "--device", "kv260", "--layer", "stage0"), ("--layers",)),
        (("design", "--device", "ulx3s-85f", "--layers"), ("--bitstream", "new.bit")),
        (("design", "--device", "ulx3s-85f", "--no-route"), ("--bitstream", "new.bit")),
        (("design", "--device", "ulx3s-85f", "--no-route"), ("--clock", "50")),
        (("design", "--device", "ulx3s-85f", "--no-route"), ("--seed", "3")),
        (("design", "--device", "ulx3s-85f", "--no-route"), ("--seeds", "3")),
        (("design", "--device", "ulx3s-85f", "--no-route"), ("--minutes", "3")),
    ),
    "train": (
        *((("images", *NEW), option) for option in OF_QAT),
        *((("images", *QAT), option) for option in NOT_OF_QAT),
        (("images", *NEW), ("--model", "A0")),
        (("images", "--model", "A0", "-o", "new.pth"), ("--depths", "1,2")),
        (("images", "--model", "A0", "-o", "new.pth"), ("--strides", "2,2")),
        (("images", *NEW), ("--scales", "net.pth")),
        (("images", *NEW, "--no-save"), ("--save-every", "3")),
        (("images", *NEW, "--no-save"), ("--resume",)),
        (("images", *QAT, "--bits", "bits.json"), ("--weight-bits", "8")),
        (("images", *QAT, "--bits", "bits.json"), ("--weight-memory", "9999")),
        (("images", *QAT), ("--widths", "4,4")),
        *((("images", *QAT, "--integers", "design/network.npz"), option) for option in DECIDED),
    ),
    "evaluate": (
        (("net.pth", "--data", "images", "--calibration", "images", "--compare"), ("--method", "minmax")),
        (
            ("net.pth", "--data", "images", "--calibration", "images", "--method", "minmax"),
            ("--crop-pct", "0.9"),
        ),
    ),
}


def void_pairs() -> Iterator[Case]:
    """The second of a pair means nothing beside the first."""
    declared = commands()
    for command, pairs in VOID.items():
        known = {
            flag for option in declared[command].params for flag in (*option.opts, *option.secondary_opts)
        }
        for first, second in pairs:
            assert second[0] in known, f"{command} has no {second[0]}: it would be refused for that"
            out = ("-o", "new") if command == "generate" else ()
            name = f"{command} {' '.join(first)} beside {' '.join(second)}"
            words = (command, *first, *second, *out)
            yield Case("options that make one another void", name, words, says=second[0])
