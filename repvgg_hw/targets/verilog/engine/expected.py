"""What a run must write: where, by the image's bytes; what, by the golden model alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.errors import CheckFailed
from repvgg_hw.plan.engine.machine import Write
from repvgg_hw.targets.verilog.engine.job import Job


def golden_values(
    job: Job,
    writes: Sequence[tuple[int, Write]],
    sums: Sequence[NDArray[np.int64]],
    images: NDArray[np.integer],
) -> None:
    """Put golden's values into what is expected, wherever a byte means something: it alone defines them.

    Raises CheckFailed where the program does not write every value of what it is to write once.
    """
    network = job.schedule.network
    stored = [layer.shape.name for layer in job.schedule.layers if layer.stored]
    for frame, image in enumerate(images):
        outputs = dict(golden.trace(image[None], network))
        left = {name: job.values[name] for name in stored}
        for write in (one for number, one in writes if number == frame):
            place = job.place(write.instruction, write.channel, write.row, 0)
            if place.row is None or place.column is None:
                _put_logits(write, outputs[place.layer][0])
                continue
            count = int(write.mask.sum())
            columns = slice(place.column, place.column + count)
            write.data[write.mask] = outputs[place.layer][0, place.channel, place.row, columns]
            left[place.layer] -= count
        for name, missing in left.items():
            if missing:
                raise CheckFailed(f"{name}: the program leaves {missing} values of its map unwritten")
        if network.linear is not None:
            sums[frame][: outputs["pool"].shape[1]] = outputs["pool"][0]


def _put_logits(write: Write, logits: NDArray[np.integer]) -> None:
    """A block of classes: its int32 logits; what fills the last block beyond them is the machine's."""
    size = write.data.size // 4
    values = logits[write.channel * size : (write.channel + 1) * size].astype("<i4").view(np.uint8)
    write.data[: values.size] = values
