"""repvgg-hw: from a trained RepVGG to a streaming int8 accelerator, proven bit for bit."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repvgg_hw.checkpoint import from_torch as from_torch

__version__ = "0.1.0"
GENERATOR = f"repvgg-hw {__version__}"  # as what is generated says


def __getattr__(name: str) -> object:
    """`repvgg_hw.from_torch`: imported when first asked for, so that importing the package needs no torch."""
    if name == "from_torch":
        import importlib

        return importlib.import_module("repvgg_hw.checkpoint").from_torch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
