"""What a method is: one choice for each step of quantization, and the named combinations of them."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """One choice per step; see docs/quantization.md for what each does and what it brought.

    per_tensor       one weight scale for the whole layer, the plain baseline
    ranges           rule for activation ranges: minmax, percentile, mse, entropy
    weight_scales    rule for weight scales: max, weighted (by E[x^2] of the input channel)
    zero_dead        zero the weights of input channels that are never active
    equalize         equalize channels over the chain
    bias_correction  move each bias so that the mean of the integer layer equals the float layer's
    rounding         how weights become integers: nearest, gptq, adaround
    """

    per_tensor: bool = False
    ranges: str = "minmax"
    weight_scales: str = "max"
    zero_dead: bool = False
    equalize: bool = False
    bias_correction: bool = False
    rounding: str = "nearest"


METHODS: dict[str, Recipe] = {
    "naive": Recipe(per_tensor=True),
    "minmax": Recipe(),
    "percentile": Recipe(ranges="percentile"),
    "mse": Recipe(ranges="mse"),
    "entropy": Recipe(ranges="entropy"),
}

DEFAULT_METHOD = "percentile"


def recipe_named(method: str) -> Recipe:
    """The recipe of a method's name. Raises InputError naming those that exist."""
    if method not in METHODS:
        raise InputError(f"no quantization method {method!r}: choose from {', '.join(METHODS)}")
    return METHODS[method]
