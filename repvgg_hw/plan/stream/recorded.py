"""The choices in a plan as design.json records it: which folding each layer has."""

from __future__ import annotations

from typing import Any

import msgspec

from repvgg_hw.plan.folding import Folding
from repvgg_hw.schema import partly


class _Layer(msgspec.Struct):
    """What is chosen of a layer, of the fields that `layer_to_json` writes."""

    name: str
    pi: int
    po: int
    m: int | None = None


class _Layers(msgspec.Struct):
    """What is chosen of a plan."""

    convs: list[_Layer]
    linear: _Layer | None


def foldings(content: Any) -> dict[str, Folding]:
    """Layer name -> folding. Raises InputError that names the field where content is something else."""
    layers = partly(content, _Layers, "plan")
    every = [*layers.convs, *([] if layers.linear is None else [layers.linear])]
    return {layer.name: Folding(layer.pi, layer.po, layer.m) for layer in every}
