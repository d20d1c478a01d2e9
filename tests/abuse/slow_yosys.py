"""Commands that call a stand-in for Yosys (fake_yosys/), as slow as a test needs it."""

from __future__ import annotations

import os
from pathlib import Path

FAKE = Path(__file__).resolve().parent / "fake_yosys"


def environment(seconds: float = 0, cut: str = "") -> dict[str, str]:
    """Variables beside which `repvgg-hw synth` finds the stand-in in Yosys' place.

    seconds  that it takes
    cut      the suffix of files that it leaves unfinished
    """
    paths = [str(FAKE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "FAKE_YOSYS_SECONDS": str(seconds),
        "FAKE_YOSYS_CUT": cut,
    }
