"""The frame interval of the HLS target: counted initiations, and lost ones found."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hls_networks import Layer, hls_design, random_images, random_network
from hls_projects import patch
from quick import some

from repvgg_hw.design.results import LayerResult, SimulationResult
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import simulate as simulate_hls
from repvgg_hw.targets.hls.emit import emit
from repvgg_hw.targets.hls.judge import wrong_intervals
from repvgg_hw.targets.hls.simulate import simulate_project

FRAMES = 6

Project = tuple[Path, IntegerNetwork, Plan]

# Every buffer with its two sides equally busy, or nearly: where any lost initiation shows.
LAYERS = {
    "rows": Layer(4, pi=3, po=4),
    "rows of tiles": Layer(4, pi=4, po=4, m=4),
    "replayed tiles": Layer(4, pi=1, po=1, m=2),
    "parts of a line's words, columns by twos": Layer(4, pi=2, po=1, m=4),
    "rows, stride 2": Layer(4, stride=2, pi=2, po=1),
    "raster": Layer(4, pi=2, po=4, m=4),
    "rows of tiles, in phases": Layer(4, stride=2, pi=2, po=4, m=2),
    "short rows": Layer(4, pi=4, po=4),
}
NAMES = {kind: f"stage{i}.0" for i, kind in enumerate(LAYERS)}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One layer after another."""
    network, plan = random_network(list(LAYERS.values()), in_shape=(3, 12, 18), classes=2)
    folder = tmp_path_factory.mktemp("chain")
    emit(hls_design(folder, network, plan))
    return folder, network, plan


@pytest.fixture
def copied(chain: Project, tmp_path: Path) -> Project:
    """A copy of it, to be changed."""
    folder, network, plan = chain
    shutil.copytree(folder, tmp_path / "project", ignore=shutil.ignore_patterns("csim_build"))
    return tmp_path / "project", network, plan


def run(project: Project, layer: str | None = None) -> SimulationResult:
    """Six frames without a gap."""
    folder, network, plan = project
    return simulate_project(
        hls_design(folder, network, plan), random_images(network, FRAMES), layer=layer, flags=("-O0",)
    )


def test_every_layer_takes_as_many_initiations_as_it_has_work(
    chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the steady state, and no layer more than the plan's cycles."""
    monkeypatch.setattr(simulate_hls, "FRAMES_PER_CALL", FRAMES)
    result, plan = run(chain), chain[2]
    counted = {check.name: check.interval for check in result.layers}
    lanes = plan.in_shape[0]
    for kind, conv in zip(LAYERS, plan.convs, strict=True):
        beats = conv.height * conv.width * conv.c_in // lanes  # that the layer before sends
        assert counted[conv.name] == max(conv.initiations, beats), kind
        assert conv.initiations <= conv.cycles, kind
        lanes = conv.out_lanes
    assert plan.linear is not None
    assert counted["pool"] == plan.linear.pool_cycles
    assert counted["linear"] == plan.linear.compute_cycles
    assert result.problems == ()


FAULTS = {
    "no rows to write ahead": ("rows", "ring.hpp", "room = ROWS * G::ROW_WORDS - 1;",
                               "room = (ROWS - G::STEP) * G::ROW_WORDS - 1;"),
    "no spare rows where rows are short": ("short rows", "ring.hpp",
                                           "G::ROW_WORDS > 4 * SETTLE ? 0", "true ? 0"),
    "no spare words where there are few": ("replayed tiles", "winograd_input.hpp",
                                           "(C::WORDS > SETTLE ? 0", "(true ? 0"),
    "columns one by one": ("parts of a line's words, columns by twos", "winograd_shape.hpp",
                           "ceil_div(K, L::ROWS) > L::M ? ceil_div(K, L::ROWS) : L::M;", "K;"),
    "half a raster": ("raster", "winograd_output.hpp", "room >= rows", "room == ROWS"),
}  # fmt: skip


@pytest.mark.parametrize("fault", some(FAULTS, 3))
def test_a_lost_initiation_is_counted(copied: Project, fault: str) -> None:
    """Values stay exact, and the layer takes longer."""
    kind, file, old, new = FAULTS[fault]
    patch(copied[0] / "src" / "lib" / file, old, new)
    (check,) = run(copied, NAMES[kind]).layers
    assert check.interval is not None
    assert check.interval > next(c for c in copied[2].convs if c.name == NAMES[kind]).initiations


def test_a_buffer_that_is_never_freed_ends_the_simulation(copied: Project) -> None:
    """Rather than let it wait for ever."""
    patch(copied[0] / "src" / "lib" / "ring.hpp", "room += frees.pass(freed);", "frees.pass(freed);")
    result = run(copied, "stage0.0")
    assert result.bit_exact == 0
    assert re.match(r"stage0\.0: .* values expected, got 0: line_buffer waits for ever", result.problems[0])


LATE = """
#include <deque>
#include <functional>
namespace late {  // writes take effect SETTLE initiations late, as in a pipeline that writes after it reads
static long now;
static std::deque<std::pair<long, std::function<void()> > > writes;
inline void tick() {
  for (++now; !writes.empty() && writes.front().first <= now; writes.pop_front()) writes.front().second();
}
template <typename T, typename V>
void store(T &at, V value) { writes.emplace_back(now + %d, [&at, value] { at = value; }); }
}
#include <stdint.h>
"""


@pytest.mark.parametrize(("late_by", "exact"), [(5, True), (6, False)])
def test_a_write_may_settle_late(copied: Project, late_by: int, exact: bool) -> None:
    """What DEPENDENCE dependent=false claims: SETTLE initiations pass between a write and the first read."""
    library = copied[0] / "src" / "lib"
    patch(library / "words.hpp", "#include <stdint.h>\n", LATE % late_by)
    written = 0
    for path in library.glob("*.hpp"):
        text = path.read_text().replace(
            "REPVGG_COUNT_INITIATION();", "REPVGG_COUNT_INITIATION(); late::tick();"
        )
        text, count = re.subn(
            r"^( +)((?:rows|store)\[.*\]) = (.*);$", r"\1late::store(\2, \3);", text, flags=re.MULTILINE
        )
        written += count
        path.write_text(text)
    assert written == 4  # line buffer, tile columns, replayed tiles, raster
    if exact:
        assert run(copied).problems == ()
    else:
        assert run(copied, "stage0.0").problems[0].startswith("stage0.0: image 0")


def test_loops_outside_the_plan_are_problems(chain: Project) -> None:
    """More initiations than the plan has cycles, or fewer than there is work."""
    plan = chain[2]
    most, least = plan.frame_interval, plan.convs[0].initiations

    def problems(interval: int) -> list[str]:
        layer = LayerResult("stage0.0", 864, plan.convs[0].cycles, cycles=(9, 9 + interval))
        return wrong_intervals([layer], {"stage0.0": "loop"}, plan)

    assert problems(most) == problems(least) == []
    assert problems(most + 1) == [f"stage0.0: loop is initiated {most + 1} times per frame, planned {most}"]
    assert problems(least - 1) == [
        f"stage0.0: loop is initiated {least - 1} times per frame, its work needs {least}"
    ]
