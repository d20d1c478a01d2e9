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


def layer_to_json(layer: AnyConvPlan | LinearPlan) -> dict[str, Any]:
    """A layer's kind and fields, and beside them what follows from them, for readers that are not Python."""
    derived = {name: getattr(layer, name) for name in layer.DERIVED}
    return {"kind": layer.KIND, **dataclasses.asdict(layer), "derived": derived}
