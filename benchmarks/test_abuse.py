"""All misuses of all commands, and all pairs of options (`make test-long`); a sample is in `make test`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.abuse import pairs, runner, sweep, world


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world that cases start from, and what the pairs need beside."""
    folder = tmp_path_factory.mktemp("world")
    pairs.build(folder)
    world.build_simulators(folder)
    return folder


def test_every_misuse_is_one_line_and_the_right_code(template: Path) -> None:
    """No traceback, no wrong exit code, nothing half-written; kinds that are known to be open are shown."""
    cases = [case for case in sweep.cases(template) if case.kind not in sweep.KNOWN_OPEN]
    wrong = [verdict for verdict in runner.in_parallel(cases, template) if verdict.problem]
    assert len(cases) >= 600
    assert not wrong, "\n".join(f"[{v.problem}] {v.case.kind}: {v.case.name}: {v.detail}" for v in wrong)
    assert not sweep.KNOWN_OPEN, f"open: {', '.join(sorted(sweep.KNOWN_OPEN))}"


def test_of_every_pair_of_options_both_do_something_or_it_is_refused(template: Path) -> None:
    everything, workers = list(pairs.pairs()), os.cpu_count() or 1

    def part(number: int) -> list[str]:
        # by the first option, so that what it does alone is run once
        order = {pair.first: n for n, pair in enumerate(everything)}
        chosen = [pair for pair in everything if order[pair.first] % workers == number]
        return [f"{pair}: {problem}" for pair, problem in pairs.problems(template, chosen) if problem]

    with ThreadPoolExecutor(workers) as pool:
        wrong = [line for lines in pool.map(part, range(workers)) for line in lines]
    assert len(everything) > 500
    assert not wrong, "\n".join(wrong)
