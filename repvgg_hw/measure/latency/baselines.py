"""Other networks to compare with, from timm or torchvision where one is installed; the published figures.

Published: images per second on a GTX 1080 Ti, fp32, batch 128 (Ding et al., arXiv 2101.03697).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable

from torch import nn

from repvgg_hw.errors import InputError
from repvgg_hw.measure.latency import resnet

# name in timm -> name in torchvision, where they differ
TORCHVISION = {
    "regnetx_032": "regnet_x_3_2gf",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
}
DEFAULT = ("resnet18", "resnet34", "resnet50", "resnet101", "vgg16", "efficientnet_b0", "regnetx_032")

PUBLISHED = {
    "A0": 3256, "A1": 2339, "A2": 1322, "B0": 1817, "B1": 685, "B1g2": 792, "B1g4": 868, "B2": 460,
    "B2g4": 581, "B3": 363, "B3g4": 464,
    "resnet18": 2442, "resnet34": 1419, "resnet50": 719, "resnet101": 430, "vgg16": 415,
    "efficientnet_b0": 829, "regnetx_032": 671,
}  # fmt: skip


def published_ratio(model: str, baseline: str) -> float | None:
    """How many times faster than the baseline the paper says the model is; None where it does not say."""
    if model not in PUBLISHED or baseline not in PUBLISHED:
        return None
    return PUBLISHED[model] / PUBLISHED[baseline]


def libraries() -> tuple[str, ...]:
    """Which of the two are installed."""
    return tuple(name for name in ("timm", "torchvision") if importlib.util.find_spec(name))


def check(names: Iterable[str]) -> None:
    """Refuse, with InputError and before anything is measured, a network that no installed library has.

    A library that is there and cannot be imported is said where its network would have been measured.
    """
    for name in names:
        if name in resnet.DEPTHS:
            continue
        if not libraries():
            raise InputError(_nowhere(name))
        if not any(_has(library, name) for library in libraries()):
            raise InputError(f"baseline {name!r}: no installed library has it")


def _has(library: str, name: str) -> bool:
    try:
        return bool(_KNOWN[library](name))
    except (ImportError, OSError, RuntimeError):
        return True


def build_baseline(name: str, classes: int = 1000) -> nn.Module:
    """The network `name` with random weights, in eval mode, from timm, else torchvision, else `resnet`.

    Raises InputError where none of them knows the name.
    """
    installed = libraries()
    if not installed and name not in resnet.DEPTHS:
        raise InputError(_nowhere(name))
    problems = []
    for library in installed:
        try:
            model = _BUILDERS[library](name, classes)
        except (ImportError, OSError, RuntimeError) as error:  # built for another torch
            problems.append(f"{library} cannot be used ({error})")
            continue
        if model is not None:
            return model.eval()
        problems.append(f"{library} has no such model")
    if name in resnet.DEPTHS:
        return resnet.resnet(name, classes).eval()
    raise InputError(f"baseline {name!r}: {', '.join(problems)}")


def _nowhere(name: str) -> str:
    return (
        f"baseline {name!r}: neither timm nor torchvision is installed (pip install timm); "
        f"without them there are {', '.join(resnet.DEPTHS)}"
    )


def _in_timm(name: str) -> bool:
    return bool(importlib.import_module("timm").is_model(name))


def _from_timm(name: str, classes: int) -> nn.Module | None:
    if not _in_timm(name):
        return None
    timm = importlib.import_module("timm")
    model: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes)
    return model


def _in_torchvision(name: str) -> bool:
    return TORCHVISION.get(name, name) in importlib.import_module("torchvision.models").list_models()


def _from_torchvision(name: str, classes: int) -> nn.Module | None:
    if not _in_torchvision(name):
        return None
    models = importlib.import_module("torchvision.models")
    model: nn.Module = models.get_model(TORCHVISION.get(name, name), weights=None, num_classes=classes)
    return model


_BUILDERS = {"timm": _from_timm, "torchvision": _from_torchvision}
_KNOWN = {"timm": _in_timm, "torchvision": _in_torchvision}
