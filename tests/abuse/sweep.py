"""All cases, in one order."""

from __future__ import annotations

from pathlib import Path

from tests.abuse import folders, inputs, options
from tests.abuse.case import Case


def cases(template: Path) -> list[Case]:
    """Every case; template is the world that they start from. Names are unique within a kind."""
    return [
        *options.values(),
        *options.usage(),
        *options.void_pairs(),
        *options.all_pairs(),
        *folders.design_json(template),
        *folders.whole_files(template),
        *folders.files_f(),
        *folders.network_npz(template),
        *folders.results_json(),
        *inputs.images(),
        *inputs.checkpoints(),
        *inputs.names(),
        *inputs.outputs(),
    ]


def sample(everything: list[Case], count: int) -> list[Case]:
    """count cases, evenly from all kinds."""
    step = max(1, len(everything) // count)
    return everything[::step]
