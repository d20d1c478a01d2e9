"""The page fits a screen of 1,280 pixels, and the result of a layer stands where it is seen first."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import engine_designs
import pytest
from hls_networks import Layer, random_network

from repvgg_hw import design as designs
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.report import summarize, write_html
from repvgg_hw.synth.result import AVAILABLE, Part, Planned, Resources, Synthesis, Unit

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROBLEM = "stage0: image 3, channel 12, row 100, column 101: expected -1234567, got 7654321"


@pytest.fixture(scope="module", params=["stream", "engine"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose first layer differs and whose figures are as long as those of the largest networks."""
    directory = tmp_path_factory.mktemp("page") / "net"
    design = stream(directory) if request.param == "stream" else engine_designs.write(directory)
    interval = design.plan.frame_interval
    result = SimulationResult("verilog", "network", 4, 3, 0, (), (PROBLEM,), interval)
    summary = summarize(designs.load(directory))
    rows = [
        replace(row, verdict="bit-exact", passed=True, values=123_456_789, interval=1_234_567)
        for row in summary.rows
    ]
    rows[0] = replace(rows[0], verdict=PROBLEM, passed=False)
    planned, made = Planned(*[12_345_678] * 4), Resources(*[12_345_678] * 5)
    units = (Unit("sequencer", planned, made), Unit("queues", None, made))
    part = Part("stage22.10", planned, made, 1.0, 1.0, 1234.5, units=units)
    synthesis = Synthesis("orangecrab-85f", "ecp5", "Yosys", dict.fromkeys(AVAILABLE, 12_345_678), (part,))
    shown = replace(summary, result=result, rows=tuple(rows), synthesis=synthesis)
    text = write_html(shown).read_text()
    long = {r"\d+x\d+x\d+": "2560x112x112", r"(?<=<td>)\d+,\d\d\d(?=</td>)": "667,466,496"}
    for pattern, figure in long.items():
        text = re.sub(pattern, figure, text)
    file = directory / "long.html"
    file.write_text(text)
    return file


def stream(directory: Path) -> Design[Any]:
    network, plan = random_network([Layer(4, pi=3, po=2), Layer(8, pi=2, po=2, m=4)], in_shape=(3, 8, 8))
    request = Request("verilog", plan.budget, algorithms=Algorithms((4,)))
    design: Design[Any] = Design(directory, request, network, plan, {})
    designs.save(design)
    return design


def test_it_says_which_architecture_it_is_of(page: Path) -> None:
    text = page.read_text()
    title = re.search(r"<title>[^<]*, (stream|engine): ", text)
    assert title is not None
    assert ("one per beat" in text) == (title[1] == "stream")
    assert ("little-endian in memory" in text) == (title[1] == "engine")


def test_the_result_is_beside_the_layer(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"<th[^>]*>([^<]*)</th>", text)
    assert headings[:2] == ["layer", "result"]
    assert re.search(rf"<tr><td>[^<]+</td>\s*<td class=\"l wrap bad\">{re.escape(PROBLEM)}</td>", text)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to draw the page with")
@pytest.mark.parametrize("width", [1280, 1600])
def test_it_fits(page: Path, width: int, tmp_path: Path) -> None:
    """Drawn by a browser: nothing is wider than its place, neither the page nor a table that scrolls."""
    script = """<script>document.title = [document.documentElement, ...document.querySelectorAll(".scroll")]
        .map(e => e.scrollWidth - e.clientWidth).join(" ")</script></body>"""
    copy = tmp_path / "page.html"
    copy.write_text(page.read_text().replace("</body>", script))
    command = [
        *(str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *(f"--user-data-dir={tmp_path}/profile", f"--window-size={width},1000", copy.as_uri()),
    ]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    title = re.search(r"<title>([-0-9 ]+)</title>", dom)
    assert title is not None, dom[:300]
    assert max(map(int, title[1].split())) <= 1  # widths are rounded to pixels
