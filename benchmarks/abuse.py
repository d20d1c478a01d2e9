"""Every misuse of every command, in parallel over the cores, as the Markdown table of docs/robustness.md.

    python benchmarks/abuse.py              all kinds
    python benchmarks/abuse.py names        kinds that hold this word

Below it on standard error: where the time went, which is to stay below a quarter of an hour on two cores.
Exit code 1 where a case is wrong; each is printed below the table.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.abuse import runner, sweep, world  # noqa: E402  (the checkout, not an installed package)
from tests.abuse.case import Verdict  # noqa: E402

PROBLEMS = {
    "traceback": "tracebacks",
    "exit code": "wrong exit codes",
    "line": "unclear lines",
    "half-written": "half-written",
    "late": "endless",
}


def table(verdicts: Sequence[Verdict]) -> str:
    """One row for each kind, and one for all."""
    kinds = dict.fromkeys(verdict.case.kind for verdict in verdicts)
    heading = ("kind", "cases", *PROBLEMS.values())
    rows = [heading, ("---", *("---:" for _ in heading[1:]))]
    for name in (*sorted(kinds), "all"):
        of_kind = [v for v in verdicts if name in (v.case.kind, "all")]
        counts = (sum(v.problem == problem for v in of_kind) for problem in PROBLEMS)
        rows.append((name, f"{len(of_kind):,}", *map(str, counts)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def times(verdicts: Sequence[Verdict]) -> str:
    """Seconds of each kind, the longest first."""
    kinds = dict.fromkeys((verdict.case.kind for verdict in verdicts), 0.0)
    for verdict in verdicts:
        kinds[verdict.case.kind] += verdict.seconds
    longest = sorted(kinds.items(), key=lambda kind: -kind[1])
    return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in longest)


def main() -> int:
    """Run, print, judge."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "world"
        template.mkdir()
        world.build(template)
        world.build_simulators(template)
        words = sys.argv[1:]
        chosen = [c for c in sweep.cases(template) if not words or any(word in c.kind for word in words)]
        verdicts = runner.in_parallel(chosen, template)
    print(table(verdicts))
    print(times(verdicts), file=sys.stderr)
    wrong = [verdict for verdict in verdicts if verdict.problem]
    for verdict in wrong:
        print(f"[{verdict.problem}] {verdict.case.kind}: {verdict.case.name}: {verdict.detail}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
