"""What the log of an engine's bench says: of each layer, of the run, of its counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from repvgg_hw.design.results import Divergence, LayerResult
from repvgg_hw.plan.engine import codes
from repvgg_hw.plan.engine.plan import EngineLayer
from repvgg_hw.targets.verilog.engine import memory
from repvgg_hw.targets.verilog.engine.run import Run


def ends_badly(run: Run, said: Path = Path("build/check.out")) -> Iterator[str]:
    """What ended a run, beside a wrong value; said: the simulator's output."""
    done, sums = run.words("done"), run.words("sums")
    if done is not None and int(done[0]):
        meaning = dict(codes.ERRORS.values())[int(done[0])]
        yield f"the engine ended with error {done[0]}: {meaning}"
    elif surplus := run.words("surplus"):
        yield f"a write after the last one, at {surplus[-1]}"
    elif not run.ended and not run.words("write") and not run.words("sum"):
        yield f"the simulation ended badly: see {said}"
    elif run.ended and (sums is None or int(sums[0]) != run.job.sums_read * run.images):
        found = "none" if sums is None else sums[0]
        yield f"the linear layer read {found} pooled sums, {run.job.sums_read * run.images} are its work"


def exact(run: Run) -> int:
    """Images, from the run's first on, of which everything is equal: at a difference a run ends."""
    seen = run.words("seen")
    if seen is None:
        return run.images if run.ended else 0
    equal = dict(zip(run.job.beats, map(int, seen), strict=True))
    if wrong := run.words("write"):
        equal[wrong[0]] = int(wrong[1])
    whole = run.job.whole(equal)
    return min(whole, int(wrong[0])) if (wrong := run.words("sum")) else whole


def layers(runs: Sequence[Run], planned: Sequence[EngineLayer]) -> Iterator[LayerResult]:
    """Each layer's comparison over all runs; what differs first is with the layer that it is of."""
    images = sum(run.images for run in runs)
    found: dict[str, tuple[str, Divergence | None, int]] = {}
    for run in runs:
        if wrong := run.words("write"):
            name, divergence, text = _written(run, wrong)
            found.setdefault(name, (text, divergence, divergence.image if divergence else run.first))
        if wrong := run.words("sum"):
            frame, channel, expected, got = map(int, wrong)
            name = run.job.schedule.layers[-1].shape.name
            text = (
                f"{name}: image {run.first + frame}, channel {channel}: its sum is {got}, expected {expected}"
            )
            found.setdefault(name, (text, None, run.first + frame))
    values = runs[0].job.values
    for layer in planned:
        problem, divergence, image = found.get(layer.name, (None, None, 0))
        bad = () if problem is None else (image,)
        yield LayerResult(
            layer.name, values[layer.name] * images, layer.cycles, problem, divergence, bad_frames=bad
        )


def _written(run: Run, words: list[str]) -> tuple[str, Divergence | None, str]:
    """(layer, divergence, message) of a write that differs: the line of dram_write_check."""
    size = run.job.schedule.array.bd
    record = memory.find(run.writes[words[0]], int(words[1]), size)
    write = record.write
    name = run.job.place(write.instruction, write.channel, write.row, 0).layer
    if words[2] != words[3]:
        return name, None, f"{name}: a write to {words[3]} where {words[2]} was expected"
    mask, expected, strobes, got = (int(word, 16) for word in words[4:8])
    wrong = (lane for lane in range(size) if mask >> lane & 1)
    lane = next(
        lane for lane in wrong
        if not strobes >> lane & 1 or (expected ^ got) >> 8 * lane & 255
    )  # fmt: skip
    place = run.job.place(write.instruction, write.channel, write.row, record.beat * size + lane)
    if place.row is None:
        values = ((word >> 32 * (lane // 4)) & 0xFFFF_FFFF for word in (expected, got))
        right, other = (value - (value >> 31 << 32) for value in values)
    else:
        right, other = expected >> 8 * lane & 255, got >> 8 * lane & 255
    found = Divergence(name, run.first + record.frame, place.channel, place.row, place.column, right, other)
    return name, found, str(found)


def notes(runs: Sequence[Run]) -> Iterator[str]:
    """What the first run's counters say."""
    done = runs[0].words("done") if runs else None
    if done is None:
        return
    _, cycles, words, weights, reads, writes = map(int, done)
    array = runs[0].job.schedule.array
    counts = (weights * array.bw, reads * array.bd, writes * array.bd)
    mega = [count / runs[0].images / 1e6 for count in counts]
    yield (
        f"{words / cycles:.1%} of cycles multiply; DRAM {sum(mega):.2f} MB a frame: weights {mega[0]:.2f}, "
        f"maps read {mega[1]:.2f} and written {mega[2]:.2f}"
    )
    if runs[0].job.pooled:
        name = runs[0].job.schedule.layers[-1].shape.name
        yield f"{name} is compared by its pooled sums: its map is never written"
