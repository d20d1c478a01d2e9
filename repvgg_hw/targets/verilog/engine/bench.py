"""The bench of an engine's design, as it is emitted."""

from __future__ import annotations

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.plan.engine import image
from repvgg_hw.plan.engine.machine import Machine
from repvgg_hw.plan.engine.schedule import Schedule
from repvgg_hw.targets.verilog.engine.memory import places

FRAMES = 8  # that the bench's memory has room for
WATCHDOG_CYCLES = 20_000  # longer than any pause of a healthy engine


def bench(schedule: Schedule, top: str) -> str:
    """Its text."""
    array = schedule.array
    where = places(Machine(array, image.build(schedule)), FRAMES)
    pooled = schedule.network.linear is not None
    return (
        environment(sim_dir())
        .get_template("engine_bench.sv.j2")
        .render(
            version=__version__,
            top=top,
            watchdog=WATCHDOG_CYCLES,
            bw=array.bw,
            bd=array.bd,
            data_w=8 * max(array.bd, array.bw),
            places=where,
            frames=FRAMES,
            sum_address_bits=max(1, (array.c_max - 1).bit_length()),
            sums=schedule.layers[-1].shape.c_out if pooled else 0,
        )
    )
