"""`--architecture auto`: the faster of those that fit, and why; where none does, each says why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from engine_cases import network_of

from repvgg_hw.cli import main
from repvgg_hw.design.network_file import save_network
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import registry
from repvgg_hw.plan.choose import choose
from repvgg_hw.plan.request import Request, parse
from repvgg_hw.progress import Progress

NETWORK = network_of([(4, 2, 1), (6, 2, 1)], (3, 12, 12), 4)
BOTH = [parse("verilog", device="pynq-z2", architecture=name) for name in ("stream", "engine")]


@dataclass
class Planned:
    """A planner that has made up its mind: cycles, or why not."""

    answer: int | str

    def plan(self, network: IntegerNetwork, request: Request, progress: Progress) -> Any:
        if isinstance(self.answer, str):
            raise InputError(self.answer)
        return self

    @property
    def frame_interval(self) -> int | str:
        return self.answer


@pytest.mark.parametrize(
    ("stream", "engine", "taken", "why"),
    [
        (100, 200, "stream", "architecture stream: 100 cycles a frame; engine takes 200"),
        (200, 100, "engine", "architecture engine: 100 cycles a frame; stream takes 200"),
        (100, 100, "stream", "architecture stream: 100 cycles a frame; engine takes 100"),
        ("A", 9000, "engine", "architecture engine: 9,000 cycles a frame; stream does not fit: A"),
        (7, "B", "stream", "architecture stream: 7 cycles a frame; engine does not fit: B"),
    ],
)
def test_the_faster_that_fits(
    stream: int | str, engine: int | str, taken: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "get", {"stream": Planned(stream), "engine": Planned(engine)}.__getitem__)
    found = choose(NETWORK, BOTH)
    assert found.request.architecture == taken
    assert found.why == why


def test_where_none_fits_both_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get", {"stream": Planned("A"), "engine": Planned("B")}.__getitem__)
    with pytest.raises(InputError, match=r"^no architecture fits: stream: A; engine: B$"):
        choose(NETWORK, BOTH)


def generate(folder: Path, *words: object) -> Result:
    save_network(NETWORK, folder / "net.npz")
    arguments = ["-q", "generate", "--integers", folder / "net.npz", "-o", folder / "new", "--json", *words]
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.mark.parametrize(
    ("words", "architecture", "why"),
    [
        (("--device", "pynq-z2"), "stream", "engine takes"),
        (("--device", "pynq-z2", "--winograd", "auto"), "stream", None),  # an option of streams alone
        (("--device", "pynq-z2", "--clock", "100", "--fps", "30"), "stream", None),
        (("--device", "pynq-z2", "--architecture", "engine"), "engine", None),
        (("--multipliers", "64"), "stream", None),
    ],
)
def test_what_generate_takes(
    words: tuple[str, ...], architecture: str, why: str | None, tmp_path: Path
) -> None:
    made = generate(tmp_path, *words)
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert said["architecture"] == architecture
    assert (why in said["chosen"]) if why else said["chosen"] is None
    recorded = json.loads((tmp_path / "new" / "design.json").read_text())["request"]
    assert recorded["architecture"] == architecture
    if "--device" in words:
        assert recorded["device"]["fill"] == (0.9 if architecture == "engine" else 0.8)


def test_auto_beside_an_option_of_streams_is_refused(tmp_path: Path) -> None:
    for option, value in (("--winograd", "auto"), ("--fps", "30"), ("--dsp", "18x18")):
        made = generate(tmp_path, "--architecture", "auto", option, value)
        assert made.exit_code == 2
        assert f"{option} means nothing beside --architecture auto" in made.stderr
    made = generate(tmp_path, "--device", "pynq-z2", "--for", "A0")
    assert made.exit_code == 2
    assert "--for belongs to --architecture engine" in made.stderr
