"""An emitted folder: its description, its network and what was found about it."""

from repvgg_hw.design.description import (
    Design,
    Hardware,
    last_directory,
    load,
    remember,
    save,
)

__all__ = ["Design", "Hardware", "last_directory", "load", "remember", "save"]
