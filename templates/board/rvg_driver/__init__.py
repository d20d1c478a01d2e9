"""Classify images on an accelerator that repvgg-hw made.

    from rvg_driver import Accelerator
    accelerator = Accelerator("digits.bit")
    classes = accelerator.classify(images)      # (N, H, W, C) uint8 -> (N,) classes

Only NumPy is needed, and PYNQ on the board. What is here is what was run against the accelerator's RTL.
"""

from .accelerator import Accelerator
from .errors import DriverError
from .results import Results

__all__ = ["Accelerator", "DriverError", "Results"]
