"""The kinds of layers that a plan is made of, and how design.json records them.

Each kind has the same properties; where they do not suffice, a target has a line for each KIND.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.winograd import WinogradPlan

AnyConvPlan = ConvPlan | WinogradPlan
CONV_KINDS: dict[str, type[ConvPlan] | type[WinogradPlan]] = {
    ConvPlan.KIND: ConvPlan,
    WinogradPlan.KIND: WinogradPlan,
}


def layer_to_json(layer: AnyConvPlan | LinearPlan) -> dict[str, Any]:
    """A layer's kind and fields, and beside them what follows from them, for readers that are not Python."""
    derived = {name: getattr(layer, name) for name in layer.DERIVED}
    return {"kind": layer.KIND, **dataclasses.asdict(layer), "derived": derived}


def conv_from_json(values: dict[str, Any]) -> AnyConvPlan:
    """The inverse of `layer_to_json`. Raises KeyError for an unknown kind or a missing field."""
    kind = CONV_KINDS[values["kind"]]
    return kind(**fields_of(kind, values))


def fields_of(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass, of what design.json says; derived values are recomputed, never read."""
    return {f.name: values[f.name] for f in dataclasses.fields(cls)}
