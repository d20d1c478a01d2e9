"""Post-training quantization of a fused RepVGG to the integers of the design, section 2."""

from repvgg_hw.quantize.pipeline import Progress, check_input, quantize
from repvgg_hw.quantize.recipe import DEFAULT_METHOD, METHODS, Recipe, recipe_named
from repvgg_hw.quantize.widths import Widths, load_widths

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "Progress",
    "Recipe",
    "Widths",
    "check_input",
    "load_widths",
    "quantize",
    "recipe_named",
]
