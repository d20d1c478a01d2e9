"""Many plans of one network or of several, side by side: what each is worth, and which are beaten by none."""

from repvgg_hw.explore.grid import Point, grid
from repvgg_hw.explore.outcome import Figures, Outcome, Top1
from repvgg_hw.explore.result import Row, Sweep

__all__ = ["Figures", "Outcome", "Point", "Row", "Sweep", "Top1", "grid"]
