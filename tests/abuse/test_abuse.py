"""A sample of the misuses over all kinds, and that the sweep can fail. `make test-long` runs all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.abuse import runner, sweep, world
from tests.abuse.case import Case, judge, snapshot
from tests.abuse.pairs import Outcome, Pair
from tests.abuse.pairs import judge as judge_pair

SAMPLED = 32


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world that cases start from."""
    folder = tmp_path_factory.mktemp("world")
    world.build(folder)
    return folder


def test_a_sample_of_all_kinds(template: Path) -> None:
    everything = sweep.cases(template)
    chosen = [case for case in sweep.sample(everything, SAMPLED) if case.kind not in sweep.KNOWN_OPEN]
    assert len(everything) >= 600
    assert len({(case.kind, case.name) for case in everything}) == len(everything), "names are unique"
    kinds = Counter(case.kind for case in chosen)
    assert {case.kind for case in everything} - sweep.KNOWN_OPEN == set(kinds)
    assert min(kinds.values()) >= 2
    wrong = [verdict for verdict in runner.verdicts(chosen, template) if verdict.problem]
    lines = [f"[{v.problem}] {v.case.kind}: {v.case.name}: {v.detail}" for v in wrong]
    assert not wrong, "\n".join(lines)


def test_the_documented_table_is_of_these_kinds(template: Path) -> None:
    """docs/robustness.md: every kind, and nothing found; its numbers are those of the day it was measured."""
    lines = (runner.ROOT / "docs/robustness.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    counts = {row[0]: row[1:] for row in rows if len(row) == 7 and row[1].replace(",", "").isdecimal()}
    total = counts.pop("all")
    assert set(counts) == {case.kind for case in sweep.cases(template)}
    assert (
        int(total[0].replace(",", "")) == sum(int(row[0].replace(",", "")) for row in counts.values()) >= 600
    )
    assert all(cell == "0" for row in (*counts.values(), total) for cell in row[1:])


WRONG_LINE = "error: what is wrong\n"


@pytest.mark.parametrize(
    ("code", "stderr", "after", "problem"),
    [
        (2, WRONG_LINE, {}, ""),
        (2, f"a note\n{WRONG_LINE}", {}, ""),
        (0, "", {}, "exit code"),
        (1, "error: what is wrong\n", {}, "exit code"),
        (1, "error: internal error, please report it: KeyError\n", {}, "traceback"),
        (-9, "", {}, "exit code"),
        ("late", "", {}, "late"),
        (2, f"Traceback (most recent call last):\n{WRONG_LINE}", {}, "traceback"),
        (2, "", {}, "line"),
        (2, WRONG_LINE * 2, {}, "line"),
        (2, f"{WRONG_LINE}more\n", {}, "line"),
        (2, "error: something else\n", {}, "line"),
        (2, WRONG_LINE, {"new/design.json": (0, b"")}, "half-written"),
        (2, WRONG_LINE, {".x.ab12.partial": (0, b"")}, "half-written"),
    ],
)
def test_the_judge_sees(code: object, stderr: str, after: dict[str, tuple[int, bytes]], problem: str) -> None:
    """Each rule, broken alone."""
    case = Case("kind", "name", (), says="what is wrong")
    outcome = {"code": code, "stderr": stderr, "stdout": ""}
    assert judge(case, outcome, {}, after).problem == problem


def test_a_changed_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("a")
    before = snapshot(tmp_path)
    (tmp_path / "input").write_text("b")
    outcome = {"code": 2, "stderr": WRONG_LINE, "stdout": ""}
    verdict = judge(Case("kind", "name", ()), outcome, before, snapshot(tmp_path))
    assert (verdict.problem, verdict.detail) == ("half-written", "changed: input")


def test_the_fork_server_sees_tracebacks_and_endless_commands(template: Path) -> None:
    """A case that cannot be in time, and one that ends well where it is expected to be refused."""
    late = Case("kind", "late", ("generate", "--model", "B3", "-o", "new"), limit=0.5)
    good = Case("kind", "good", ("models",))
    found = [verdict.problem for verdict in runner.verdicts([late, good], template)]
    assert found == ["late", "exit code"]


@pytest.mark.parametrize(
    ("both", "first", "second", "said"),
    [
        ((0, "ab", "", ()), (0, "a", "", ()), (0, "b", "", ()), ""),
        ((0, "a", "", ()), (0, "a", "", ()), (0, "b", "", ()), "--json changed nothing"),
        ((0, "b", "", ()), (0, "a", "", ()), (0, "b", "", ()), "--classes changed nothing"),
        ((2, "", "error: --json means nothing beside --classes", ()), None, None, ""),
        ((2, "", "error: --other belongs to --thing", ()), None, None, "no rule says so"),
        ((2, "", "error: --json is odd here", ()), None, None, "no rule says so"),
        ((-11, "", "", ()), (0, "a", "", ()), (0, "b", "", ()), "ends in -11"),
    ],
)
def test_the_judge_of_pairs_sees(
    both: Outcome, first: Outcome | None, second: Outcome | None, said: str
) -> None:
    problem = judge_pair(Pair("models", "--classes", "--json"), both, first, second)
    assert said in problem
    assert bool(said) == bool(problem)
