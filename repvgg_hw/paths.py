"""Where the RTL and HLS libraries (templates/) and the benches (sim/) are.

In a checkout they lie beside the package; in a wheel they lie inside it, under `_data/`.
"""

from __future__ import annotations

from pathlib import Path

from repvgg_hw.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    """The folder `name` of the checkout, else of the wheel; InputError where the installation lacks it."""
    checkout, wheel = _PACKAGE.parent / name, _PACKAGE / "_data" / name
    # An installed package's parent is site-packages, where a foreign `sim` may lie: the wheel's copy wins.
    for folder in (wheel, checkout):
        if folder.is_dir():
            return folder
    raise InputError(f"{name}/ is neither at {wheel} nor at {checkout}: reinstall repvgg-hw")


def templates_dir() -> Path:
    """The folder with the hardware libraries and templates: `verilog/`, `hls/`."""
    return _find("templates")


def sim_dir() -> Path:
    """The folder with the cocotb benches and their stream drivers."""
    return _find("sim")
