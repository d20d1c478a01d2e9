# SPDX-License-Identifier: Apache-2.0
"""The accelerator of this folder as a LiteX module; needs LiteX and nothing else.

    from rvg_litex import Accelerator
    self.rvg = Accelerator(platform)          # in a SoC's __init__
    self.rvg.attach(self)

Its registers (registers.md) are a region `rvg` of the bus, reached through LiteX's bridge to AXI4-Lite; how
its data come and go, stream.py and engine.py say. driver/c/ drives it.
"""

from . import engine, stream
from .base import FACTS

Accelerator = engine.Accelerator if FACTS["architecture"] == "engine" else stream.Accelerator

__all__ = ["Accelerator"]
