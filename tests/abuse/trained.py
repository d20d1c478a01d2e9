"""Misuse of `train` and of `train --qat`, beside what every option and every reader of images is given.

Most of it ends before the first step; the rest trains a network of two layers on six images for two epochs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from tests.abuse.case import OK, Case
from tests.abuse.inputs import write_file
from tests.abuse.options import BASES
from tests.abuse.typed import TYPED
from tests.abuse.world import HALF, RESUMED

RECIPE = ("--epochs", "2", "--batch-size", "2")
QAT = ("train", "images", "--qat", "net.pth", "--method", "minmax", *RECIPE, "-o", "new.npz")
RESUME = ("train", "images", *RESUMED, "--resume", "-o", "half.pth")


Content = dict[str, Any]


def _edit(change: Callable[[Content], object], folder: Path) -> None:
    content = torch.load(folder / HALF, weights_only=True)
    changed = change(content)
    torch.save(content if changed is None else changed, folder / HALF)


def _first(tensors: dict[str, Any]) -> str:
    return next(iter(tensors))


def unfinished() -> Iterator[Case]:
    """What --resume goes on with is a file like any other."""
    yield Case("unfinished training", "whole", RESUME, frozenset({OK}))
    logged = (*RESUME, "--log", "half.csv")
    yield Case("unfinished training", "whole, with its log", logged, frozenset({OK}))
    whole: dict[str, bytes] = {
        "empty": b"",
        "text": b"hello\n",
        "pickled code": b"cos\nsystem\n(S'touch stolen'\ntR.",
        "an endless pickle": b"\x80\x04" + b"(" * 1_000_000,
    }
    for what, data in whole.items():
        yield Case("unfinished training", what, RESUME, prepare=partial(write_file, HALF, data))
    edits: dict[str, Callable[[Content], object]] = {
        "a list": lambda c: [1, 2],
        "a tensor": lambda c: torch.zeros(3),
        "made of a list": lambda c: c.update(made_of=[1]),
        "made of something else": lambda c: c["made_of"].update(rate=0.7),
        "no network": lambda c: c.pop("network") and None,
        "a weight missing": lambda c: c["network"].pop(_first(c["network"])) is None or None,
        "a weight of another shape": lambda c: c["network"].update({_first(c["network"]): torch.zeros(7)}),
        "a weight of text": lambda c: c["network"].update({_first(c["network"]): "x"}),
        "no optimizer": lambda c: c.update(optimizer=None),
        "no momentum's place": lambda c: c["optimizer"]["state"].update({0: {"momentum_buffer": 3}}),
        "a momentum of another shape": lambda c: c["optimizer"]["state"].update(
            {0: {"momentum_buffer": torch.zeros(7)}}
        ),
        "no average": lambda c: c.update(average=None),
        "step of text": lambda c: c.update(step="3"),
        "step -1": lambda c: c.update(step=-1),
        "step beyond the end": lambda c: c.update(step=10**9),
        "step 1.5": lambda c: c.update(step=1.5),
        "sums too few": lambda c: c.update(sums=[0.0]),
        "sums of text": lambda c: c.update(sums=["a", "b", "c"]),
        "sums of NaN": lambda c: c.update(sums=[float("nan")] * 3),
    }
    for what, change in edits.items():
        yield Case("unfinished training", what, RESUME, prepare=partial(_edit, change))
    logs = {
        "binary": bytes(range(256)),
        "another table": b"name,step\na,1\n",
        "text for a number": b"epoch,step,rate,loss,top1,val_top1,seconds\n1,x,0.1,1,1,,1\n",
        "too long a row": b"epoch,step,rate,loss,top1,val_top1,seconds\n1,3,0.1,1,1,,1,9,9\n",
        "too short a row": b"epoch,step,rate,loss,top1,val_top1,seconds\n1,3\n",
        "NaN": b"epoch,step,rate,loss,top1,val_top1,seconds\n1,3,nan,1,1,,1\n",
    }
    for what, data in logs.items():
        prepare = partial(write_file, "half.csv", data)
        yield Case("unfinished training", f"its log: {what}", logged, prepare=prepare)


def typed() -> Iterator[Case]:
    """JSON that people write by hand for --class-index, and for --bits of --qat."""
    for what, data in TYPED.items():
        prepare = partial(write_file, "typed.json", data)
        base = ("train", *BASES["train"])
        yield Case(
            "typed files",
            f"train --class-index: {what}",
            (*base, "--class-index", "typed.json"),
            prepare=prepare,
        )
        yield Case("typed files", f"train --bits: {what}", (*QAT, "--bits", "typed.json"), prepare=prepare)


def right() -> Iterator[Case]:
    """What the cases above and in other places would prove nothing without."""
    yield Case("right commands", "train --qat", QAT, frozenset({OK}))
    words = ("generate", "--integers", "design/network.npz", "--multipliers", "64", "-o", "new")
    yield Case("right commands", "generate --integers", words, frozenset({OK}))


def environments() -> Iterator[Case]:
    """Variables of torchrun, which did not start this."""
    base = ("train", *BASES["train"])
    nobody = {"MASTER_ADDR": "", "MASTER_PORT": ""}
    for what, variables in {
        "WORLD_SIZE of letters": {"WORLD_SIZE": "many"},
        "WORLD_SIZE 0": {"WORLD_SIZE": "0"},
        "RANK of letters": {"WORLD_SIZE": "2", "RANK": "first", **nobody},
        "a RANK that is none": {"WORLD_SIZE": "2", "RANK": "2", **nobody},
        "nobody to meet": {"WORLD_SIZE": "2", "RANK": "1", **nobody},
    }.items():
        yield Case("environment", f"train: {what}", base, env=variables)
    yield Case("environment", "train --qat: WORLD_SIZE of letters", QAT, env={"WORLD_SIZE": "many"})


def in_the_way() -> Iterator[Case]:
    """What an unfinished training would overwrite, and what is no file."""
    base = ("train", *BASES["train"])
    for name in ("new.pth", "new.pth.unfinished"):
        for make in (Path.mkdir, os.mkfifo, partial(os.symlink, "nowhere/x")):
            how = getattr(make, "__name__", "link")

            def prepare(folder: Path, name: str = name, make: Callable[[Path], object] = make) -> None:
                make(folder / name)

            yield Case("in the way", f"train: {name}, {how}", base, prepare=prepare)
