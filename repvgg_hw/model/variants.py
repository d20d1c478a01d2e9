"""The published RepVGG variants: widths, depths, groups (arXiv 2101.03697, table 2; D2se: model zoo)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repvgg_hw.errors import InputError
from repvgg_hw.network import Architecture, out_size

_DEPTHS = {"A": (1, 2, 4, 14, 1), "B": (1, 4, 6, 16, 1), "D": (1, 8, 14, 24, 1)}
_STRIDES = (2, 2, 2, 2, 2)
SE_RATIOS = {"D2se": 16, "plus": 4}  # C channels are squeezed to C / ratio; before ReLU, after ReLU


def _variant(name: str, a: float, b: float, groups: int = 1, se: str | None = None) -> Architecture:
    """A variant by its width multipliers: a for stages 0 to 3, b for stage 4.

    groups applies to the even layers, counted from stage0 = 0, except stage0 and the last stage.
    """
    widths = (min(64, int(64 * a)), int(64 * a), int(128 * a), int(256 * a), int(512 * b))
    depths = _DEPTHS[name[0]]
    grouped = range(2, sum(depths) - depths[-1], 2) if groups > 1 else ()
    return Architecture(name, widths, depths, _STRIDES, dict.fromkeys(grouped, groups), se=se)


VARIANTS: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        _variant("A0", 0.75, 2.5),
        _variant("A1", 1, 2.5),
        _variant("A2", 1.5, 2.75),
        _variant("B0", 1, 2.5),
        _variant("B1", 2, 4),
        _variant("B1g2", 2, 4, groups=2),
        _variant("B1g4", 2, 4, groups=4),
        _variant("B2", 2.5, 5),
        _variant("B2g2", 2.5, 5, groups=2),
        _variant("B2g4", 2.5, 5, groups=4),
        _variant("B3", 3, 5),
        _variant("B3g2", 3, 5, groups=2),
        _variant("B3g4", 3, 5, groups=4),
        _variant("D2se", 2.5, 5, se="D2se"),
    )
}


def get_variant(name: str, *, num_classes: int = 1000, in_channels: int = 3) -> Architecture:
    """The variant called name (case does not matter), for num_classes outputs and in_channels inputs.

    Raises InputError, listing the names, if there is no such variant or a count is below 1.
    """
    if num_classes < 1 or in_channels < 1:
        raise InputError(f"classes ({num_classes}) and input channels ({in_channels}) must be at least 1")
    known = {variant.lower(): variant for variant in VARIANTS}
    key = name.lower().removeprefix("repvgg").strip("-_")
    if key not in known:
        raise InputError(f"unknown model {name!r}; choose one of {', '.join(VARIANTS)}")
    return replace(VARIANTS[known[key]], num_classes=num_classes, in_channels=in_channels)


@dataclass(frozen=True)
class SqueezeExciteCost:
    """What squeeze-and-excitation adds to a network: parameters, and multiply-accumulates of one frame."""

    parameters: int
    macs: int


def se_cost(architecture: Architecture, height: int, width: int) -> SqueezeExciteCost:
    """Cost of squeeze-and-excitation at an input of height x width; zero for a network without it.

    Per block two 1x1 convolutions with bias on the pooled vector, C -> C / ratio -> C; the pooling's
    additions and the gates' multiplications are not counted, as is customary.
    """
    if architecture.se is None:
        return SqueezeExciteCost(0, 0)
    parameters = macs = 0
    for conv in architecture.convs():
        height, width = out_size(height, conv.stride), out_size(width, conv.stride)
        squeezed = conv.c_out // SE_RATIOS[architecture.se]
        parameters += 2 * conv.c_out * squeezed + conv.c_out + squeezed
        macs += 2 * conv.c_out * squeezed
    return SqueezeExciteCost(parameters, macs)
