"""All cases, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.abuse import (
    engine_commands,
    engine_images,
    engines,
    folders,
    inputs,
    machine,
    options,
    outputs,
    synthesis,
    trained,
    typed,
    void,
)
from tests.abuse.case import Case

# Kinds that still have open cases: held in neither sweep. Whoever mends one removes it.
KNOWN_OPEN: frozenset[str] = frozenset()


def cases(template: Path) -> list[Case]:
    """Every case; template is the world that they start from. Names are unique within a kind."""
    return [
        *options.right(),
        *options.values(),
        *options.usage(),
        *trained.right(),
        *void.void_pairs(),
        *options.all_pairs(),
        *folders.design_json(template),
        *folders.whole_files(template),
        *folders.files_f(),
        *folders.network_npz(template),
        *folders.results_json(),
        *inputs.images(),
        *inputs.checkpoints(),
        *typed.typed(),
        *typed.last_design(),
        *inputs.names(),
        *outputs.outputs(),
        *outputs.of_every_kind(),
        *trained.unfinished(),
        *trained.typed(),
        *trained.environments(),
        *trained.in_the_way(),
        *synthesis.folders(),
        *synthesis.results(),
        *synthesis.edited_result(),
        *synthesis.in_the_way(),
        *synthesis.full_disks(),
        *synthesis.names(),
        *engine_commands.right(),
        *engine_commands.generating(),
        *engine_commands.choosing(),
        *engine_commands.options(),
        *engines.design_json(template),
        *engines.whole_files(template),
        *engines.images(template),
        *engines.network_npz(template),
        *engines.results_json(),
        *engine_commands.full_disks(),
        *engine_commands.permissions(),
        *engine_commands.in_the_way(),
        *engine_commands.names(),
        *engine_commands.environments(),
        *engine_images.right(),
        *engine_images.programming(),
        *engine_images.simulating(template),
        *machine.full_disks(),
        *machine.permissions(),
        *machine.in_the_way(),
        *machine.environments(),
    ]


def sample(everything: Sequence[Case], count: int) -> list[Case]:
    """About count cases, evenly from all kinds, of each kind at least two; none that builds a simulator."""
    quick = [case for case in everything if case.limit <= Case.limit]
    by_kind: dict[str, list[Case]] = {}
    for case in quick:
        by_kind.setdefault(case.kind, []).append(case)
    chosen: list[Case] = []
    for cases in by_kind.values():
        wanted = max(2, round(count * len(cases) / len(quick)))
        chosen += cases[:: max(1, len(cases) // wanted)][:wanted]
    return chosen
