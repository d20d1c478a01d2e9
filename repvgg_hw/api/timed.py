"""Beside the stages: what networks cost on this machine's GPU or CPU, beside a design."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.errors import InputError
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    import torch

    from repvgg_hw.measure.latency.rows import Survey

FORMS = ("training", "fused", "integer")  # as latency.forms.FORMS, without importing torch
PRECISIONS = ("fp32", "tf32", "fp16", "bf16")

_log = logging.getLogger(__name__)


def latency(
    models: str | Sequence[str] = "A0",
    *,
    input_size: int | tuple[int, int] | None = None,
    classes: int | None = None,
    batches: Sequence[int] | None = None,
    forms: Sequence[str] | None = None,
    precisions: Sequence[str] | None = None,
    runtimes: Sequence[str] | None = None,
    baselines: Sequence[str] | None = None,
    design: str | Path | None = None,
    device: str = "auto",
    seconds: float | None = None,
    rounds: int = 1,
    progress: Progress = silent,
) -> Survey:
    """Time variants with random weights, which do not change the time; `print` shows the table.

    models      "A0", or several names
    input_size  N or (height, width) [default: the design's, else 224]; classes [default: its, else 1000]
    batches     [default: 1, 8, 32, 128; CPU 1, 8]
    forms, precisions, runtimes   any of those that `repvgg-hw latency --help` lists [default: its defaults]
    baselines   networks of timm or torchvision, ResNets without either; () for none [default: ResNets and
                others, where one of the two is installed]
    design      folder of a design to set beside the figures
    device      "auto", "cuda", "cuda:N" or "cpu"
    seconds     of measuring for each row [default: 1; CPU 0.5]
    rounds      measure all rows in turn so often, each for its share of the seconds
    Raises InputError for words that mean nothing; what cannot be measured is in the survey's notes.
    """
    from repvgg_hw.measure.latency import accelerator
    from repvgg_hw.measure.latency import baselines as others
    from repvgg_hw.measure.latency.runtimes import CPU_DEFAULT, CUDA_DEFAULT, parts_of
    from repvgg_hw.measure.latency.survey import Surveyor, SurveyRequest
    from repvgg_hw.model.variants import get_variant

    names = (models,) if isinstance(models, str) else tuple(models)
    size = (input_size, input_size) if isinstance(input_size, int) else input_size
    row = accelerator.accelerator_row(Path(design)) if design else None
    classes = classes or (row.classes if row else 1000)
    chosen = device_named(device)
    on_gpu, missing = chosen.type == "cuda", None
    if baselines is None:
        baselines = others.DEFAULT if others.libraries() else ()
        if not baselines:
            missing = (
                "baselines: neither timm nor torchvision is installed (pip install timm); "
                "ResNets need neither: --baseline resnet18,resnet34,resnet50"
            )
    others.check(baselines)
    request = SurveyRequest(
        models=tuple(get_variant(name, num_classes=classes) for name in names),
        size=size or (row.in_shape[1:] if row else (224, 224)),
        batches=tuple(batches or ((1, 8, 32, 128) if on_gpu else (1, 8))),
        forms=_known(forms or FORMS, FORMS, "form"),
        precisions=_known(precisions or (("fp32", "fp16") if on_gpu else ("fp32",)), PRECISIONS, "precision"),
        runtimes=tuple(runtimes or (CUDA_DEFAULT if on_gpu else CPU_DEFAULT)),
        baselines=tuple(baselines),
        seconds=seconds or (1.0 if on_gpu else 0.5),
        rounds=rounds,
    )
    for runtime in request.runtimes:
        parts_of(runtime)
    first = request.models[0]
    if row and row.macs != first.macs(*request.size):
        _log.warning(
            "the design computes %.1f MMAC per frame, %s at %dx%d %.1f: they are not the same network",
            row.macs / 1e6, first.name, *request.size, first.macs(*request.size) / 1e6,
        )  # fmt: skip
    surveyor = Surveyor(chosen, request, lambda text: progress(None, text))
    if missing:
        surveyor.notes.append(missing)
    return surveyor.run(row)


def _known(names: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise InputError(f"unknown {what} {name!r}; choose any of {', '.join(known)}")
    return tuple(names)


def device_named(name: str) -> torch.device:
    """A device of torch: "auto" is CUDA where there is any. Raises InputError for what is not there."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device {name!r} is none of auto, cuda, cuda:N, cpu") from None
    if device.type not in ("cuda", "cpu"):
        raise InputError(f"device {name!r} is none of auto, cuda, cuda:N, cpu")
    if device.type == "cuda" and (device.index or 0) >= max(1, torch.cuda.device_count()):
        raise InputError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r}: torch {torch.__version__} finds no CUDA device; use --device cpu")
    return device
