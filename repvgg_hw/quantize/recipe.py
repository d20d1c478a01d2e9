"""What a method is: one choice for each step of quantization, and the named combinations of them."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """One choice per step; see docs/quantization.md for what each does and what it brought.

    ranges           rule for activation ranges: minmax, percentile, mse, entropy
    clip             instead of that rule: ranges that bring the output nearest to the float network's
    weight_scales    rule for weight scales: max, weighted (by E[x^2] of the input channel), per-tensor
    zero_dead        zero the weights of input channels that are never active
    equalize         equalize channels over the chain
    alpha            how far: 0 for the resolution of weights, 1 for that of activations
    balance          instead of alpha: the ratios of least noise, that of activations and of weights together
    bias_correction  move each bias so that the mean of the integer layer equals the float layer's
    rounding         how weights become integers: nearest; gptq and adaround, which fit the bias, too
    compensate       let gptq's weights make up for the error of their inputs, too
    joint            at the end, learn the rounding of all layers together from the float network's output
    """

    ranges: str = "minmax"
    clip: bool = False
    weight_scales: str = "max"
    zero_dead: bool = False
    equalize: bool = False
    alpha: float = 0.5
    balance: bool = False
    bias_correction: bool = False
    rounding: str = "nearest"
    compensate: bool = False
    joint: bool = False

    @property
    def needs_data(self) -> bool:
        """Whether weights or biases are fitted to what the quantized inputs really are."""
        return self.bias_correction or self.rounding != "nearest"


METHODS: dict[str, Recipe] = {
    "naive": Recipe(weight_scales="per-tensor"),
    "minmax": Recipe(),
    "percentile": Recipe(ranges="percentile"),
    "mse": Recipe(ranges="mse"),
    "entropy": Recipe(ranges="entropy"),
    "weighted": Recipe(weight_scales="weighted"),
    "equalized": Recipe(zero_dead=True, equalize=True, bias_correction=True),
    "gptq": Recipe(zero_dead=True, equalize=True, clip=True, balance=True, rounding="gptq"),
    "adaround-layerwise": Recipe(zero_dead=True, equalize=True, clip=True, balance=True, rounding="adaround"),
    "adaround": Recipe(zero_dead=True, equalize=True, clip=True, balance=True, rounding="gptq", joint=True),
}

DEFAULT_METHOD = "gptq"


def recipe_named(method: str) -> Recipe:
    """The recipe of a method's name. Raises InputError naming those that exist."""
    if method not in METHODS:
        raise InputError(f"no quantization method {method!r}: choose from {', '.join(METHODS)}")
    return METHODS[method]
