"""Beside the stages: many plans at once, `sweep`, and what each of them is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.api.labelled import Labelled
from repvgg_hw.api.quantized import QuantizedNetwork
from repvgg_hw.errors import InputError
from repvgg_hw.explore.grid import grid
from repvgg_hw.explore.result import Sweep
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.model.images import Images
    from repvgg_hw.model.preprocessing import Preprocessing

RESULT, PLOT = "sweep.json", "sweep.svg"  # in its folder, beside what is kept of each point


def sweep(
    networks: QuantizedNetwork | Mapping[str, QuantizedNetwork],
    folder: str | Path,
    *,
    multipliers: Sequence[int] = (),
    fps: Sequence[float] = (),
    device: Sequence[str] = (),
    architecture: Sequence[str] | None = None,
    winograd: Sequence[str | int] = ("off",),
    clock_mhz: float | None = None,
    fill: float | None = None,
    data: str | Path | NDArray[np.uint8] | None = None,
    labels: NDArray[np.int64] | None = None,
    limit: int | None = None,
    preprocess: str | Preprocessing | None = None,
    class_index: str | Path | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Sweep:
    """Plan every network within every budget, and say which plans are beaten by none.

    networks     one, or several by a label: of other widths, methods, trainings
    folder       what is found is kept in it, point by point: the same call goes on where one was broken off,
                 and a longer list plans only what is new. `sweep.json` and `sweep.svg` are its result
    multipliers, fps, device   budgets, of which each point has one
    architecture  "stream", "engine" [default: streams; on a device both]
    winograd     "off", "auto", tiles: a point for each, of streams; an engine searches its own
    clock_mhz, fill   as in `plan`
    data         labelled images, a folder or an .npz, or an array with labels: top-1 of each network
    jobs         local processes [default: one per core], or a Dask `scheduler`
    fresh        forget what was found before
    A point that cannot be planned, say for want of memory, is in the result with its reason. Raises
    InputError where none can be, and for words that mean nothing; CheckFailed where torch and
    golden model differ.
    """
    from repvgg_hw.design.folder import locked
    from repvgg_hw.explore import accuracy, kept, result, run
    from repvgg_hw.files import write_if_changed

    given = {networks.integers.name: networks} if isinstance(networks, QuantizedNetwork) else dict(networks)
    integers = {label: network.integers for label, network in given.items()}
    points = grid(
        list(integers),
        multipliers=multipliers,
        fps=fps,
        device=device,
        architecture=architecture,
        winograd=winograd,
        clock_mhz=clock_mhz,
        fill=fill,
    )
    place = Path(folder)
    kept.check_folder(place)
    images = _images(given, data, Labelled(labels, limit, preprocess, class_index))
    place.mkdir(parents=True, exist_ok=True)
    with locked(place):
        known = kept.Kept(place, fresh=fresh)
        accuracies = {} if images is None else accuracy.measure(integers, images, known, progress)
        outcomes, resumed = run.run(
            points, integers, known, jobs=jobs, scheduler=scheduler, progress=progress
        )
        name = next(iter(integers.values())).name
        found = result.made(name, points, outcomes, accuracies, resumed)
        if not found.rows:
            raise InputError(f"none of {len(points)} points can be planned; the first: {outcomes[0].refusal}")
        write_if_changed(place / RESULT, json.dumps(found.to_json(), indent=1) + "\n")
        found.write_plot(place / PLOT)
    return found


def _images(
    networks: Mapping[str, QuantizedNetwork],
    data: str | Path | NDArray[np.uint8] | None,
    how: Labelled,
) -> Images | None:
    """The labelled images at the networks' size; None where there are none."""
    if not networks:
        raise InputError("a sweep needs a network")
    if data is None:
        if unused := how.given:
            raise InputError(f"{' and '.join(unused)}: there are no images, data")
        return None
    first = next(iter(networks.values()))
    if any(each.integers.in_shape != first.integers.in_shape for each in networks.values()):
        raise InputError("top-1 needs networks of one input size")
    return how.of(data, first.integers, first.options)
