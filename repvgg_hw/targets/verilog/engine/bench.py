"""The bench of an engine's design, as it is emitted: of its array alone, so that it runs any image."""

from __future__ import annotations

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.plan.engine.registers import CONTROL_BITS
from repvgg_hw.plan.engine.schedule import Schedule
from repvgg_hw.targets.verilog.engine.memory import places

FRAMES = 8  # that the bench's memory has room for
ROOM = 4  # times what the design's own network takes: others run on the same simulator
MOST_ROOM = 1 << 27  # bytes that are reserved for others
WATCHDOG_CYCLES = 20_000  # longer than any pause of a healthy engine


def memory_bytes(schedule: Schedule) -> int:
    """Of the bench of the design of this network; an image that takes more needs another simulator."""
    own = places(schedule, FRAMES).size
    return max(own, min(ROOM * own, MOST_ROOM))


def bench(schedule: Schedule, top: str) -> str:
    """Its text; of the network is only how much memory it begins with."""
    array = schedule.array
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
            size=memory_bytes(schedule),
            frames=FRAMES,
            c_max=array.c_max,
            control_bits=CONTROL_BITS,
            sum_address_bits=max(1, (array.c_max - 1).bit_length()),
        )
    )
