"""What is read of a running simulation: its images that are equal so far, and where the next run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from repvgg_hw.targets.verilog.simulate import STEADY_FRAMES
from repvgg_hw.targets.verilog.watch import FrameLog, lead_in


def test_a_log_counts_whole_lines_of_every_layer(tmp_path: Path) -> None:
    log = tmp_path / "check.log"
    frames = FrameLog(log, ["a", "b"], 3)
    assert frames.equal_images() == 0
    log.write_text("frame a 0 10 0\nframe a 1 20 0\nframe b 0 1")
    assert frames.equal_images() == 0
    with log.open("a") as stream:
        stream.write(
            "5 0\nlogit 3f\nframe a 2 30 0\nframe a 3 40 0\nframe b 1 25 0\nframe b 2 35 0\nframe b 3 4"
        )
    assert frames.equal_images() == 3
    with log.open("a") as stream:
        stream.write("5 1\n")
    assert frames.equal_images() is None


@pytest.mark.parametrize(
    ("proven", "images", "first"), [(0, 8, 0), (1, 8, 0), (4, 8, 3), (7, 8, 5), (8, 8, 5), (2, 2, 0)]
)
def test_the_last_proven_image_leads_in(proven: int, images: int, first: int) -> None:
    assert lead_in(proven, images, STEADY_FRAMES) == first
