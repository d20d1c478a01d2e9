"""The page fits a screen of 1,280 pixels, and the result of a layer stands where it is seen first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import boxes
import engine_designs
import numpy as np
import pytest
from hls_networks import Layer, random_network
from PIL import Image

from repvgg_hw import design as designs
from repvgg_hw.design import Design
from repvgg_hw.design.accuracy import LayerNoise, Measured
from repvgg_hw.design.results import Divergence, LayerResult, SimulationResult
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.report import summarize, write_html
from repvgg_hw.synth.result import AVAILABLE, Part, Planned, Resources, Synthesis, Unit

KEPT, HEIGHT = Path(__file__).with_name("expected"), 3600  # pictures of the page, of so many of its pixels
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROBLEM = "stage0: image 3, channel 12, row 100, column 101: expected -1234567, got 7654321"


@pytest.fixture(scope="module", params=["stream", "engine"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose first layer differs and whose figures are as long as those of the largest networks."""
    directory = tmp_path_factory.mktemp("page") / "net"
    design = stream(directory) if request.param == "stream" else engine_designs.write(directory)
    interval = design.plan.frame_interval
    first = Divergence(design.plan.layers[0].name, 3, 1, 2, 3, -1234567, 7654321)
    layers = tuple(
        LayerResult(layer.name, 9, 1, cycles=(1_234_567, 2_345_678)) for layer in design.plan.layers
    )
    layers = (replace(layers[0], problem=PROBLEM, divergence=first), *layers[1:])
    result = SimulationResult("verilog", "network", 4, 3, 0, layers, (PROBLEM,), interval)
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
    name = "a long name of images " * 3
    noise = LayerNoise(name, 12_345_678, {"stage0": 45.6, "stage22.10": None, "linear": -1.2})
    measured = Measured("", name, 12_345_678, 12_345_000, 12_340_000, 99.9, noise)
    shown = replace(summary, result=result, rows=tuple(rows), synthesis=synthesis, measured=measured)
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
    title = re.search(r"<title>[^<]*: (stream|engine) as verilog, ", text)
    assert title is not None
    assert ("one per beat" in text) == (title[1] == "stream")
    assert ("little-endian in memory" in text) == (title[1] == "engine")


def test_the_result_is_beside_the_layer(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"<th[^>]*>([^<]*)</th>", text)
    assert headings[headings.index("layer") + 1] == "result"
    assert re.search(rf"<tr><td>[^<]+</td>\s*<td class=\"l wrap bad\">{re.escape(PROBLEM)}</td>", text)


def test_verdict_and_origin_come_first(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"<h2>([^<]*)</h2>", text)
    assert headings[:3] == ["Where it differs first", "Where it comes from", "What it is"]
    assert text.index(PROBLEM) < text.index("<h2>")
    assert text.count("<svg") == 4  # the map, the noise, the diagram, the timeline
    assert not re.search(r"<script|<link|@import|url\(|src=", text)  # the page stands alone


def drawn(page: Path, script: str, folder: Path, *options: str) -> tuple[str, str]:
    """The page's title after the script has run in a browser, and what the browser complained of."""
    copy = folder / "page.html"
    copy.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    command = [
        *(str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *("--enable-logging=stderr", f"--user-data-dir={folder}/profile", *options, copy.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    title = re.search(r"<title>([^<]*)</title>", done.stdout)
    assert title is not None, done.stdout[:300]
    return title[1], "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


# Wider than its place; text of a picture outside of it; words whose contrast with white is below 4.5.
LOOK = """
const wide = [document.documentElement, ...document.querySelectorAll(".scroll")]
  .map(e => Math.max(0, e.scrollWidth - e.clientWidth - 1));
const cut = [...document.querySelectorAll("svg text")].filter(t => {
  const [b, v] = [t.getBBox(), t.ownerSVGElement.viewBox.baseVal];
  return b.x < -0.5 || b.y < -0.5 || b.x + b.width > v.width + 0.5 || b.y + b.height > v.height + 0.5; });
const light = c => c.match(/[0-9.]+/g).slice(0, 3).map(n => n / 255)
  .map(n => n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4)
  .reduce((sum, n, i) => sum + n * [0.2126, 0.7152, 0.0722][i], 0);
const words = e => [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim());
const says = e => e.tagName != "SCRIPT" && words(e);
const pale = [...document.querySelectorAll("body *")].filter(says).filter(e => {
  const style = getComputedStyle(e);
  return 1.05 / (light(e.tagName == "text" ? style.fill : style.color) + 0.05) < 4.5; });
document.title = [wide.reduce((a, b) => a + b, 0), cut.length, pale.length].join(" ");
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to draw the page with")
def test_it_fits(page: Path, tmp_path: Path) -> None:
    """Drawn by a browser: nothing is wider than its place, cut off or pale; no complaint."""
    assert drawn(page, LOOK, tmp_path, "--window-size=1280,1000") == ("0 0 0", "")


PAPER = (210 - 2 * 12) * 96 / 25.4  # pixels between the margins of A4


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to draw the page with")
def test_it_fits_on_paper(page: Path, tmp_path: Path) -> None:
    """By the rules for print, as wide as paper: nothing is wider than its place, cut off or pale."""
    printed = tmp_path / "printed.html"
    text = page.read_text()
    assert text.count("@media print") == 1
    printed.write_text(text.replace("@media print", "@media all"))
    assert drawn(printed, LOOK, tmp_path, f"--window-size={PAPER:.0f},1000") == ("0 0 0", "")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to draw the page with")
def test_it_looks_as_it_did(page: Path, tmp_path: Path) -> None:
    """Drawn with a font of boxes, it is the picture that is kept; REFRESH=1 keeps another: look at it."""
    boxed = tmp_path / "boxed.html"
    boxed.write_text(page.read_text().replace("</head>", f"{boxes.style()}</head>"))
    wait = "document.fonts.load('12px Boxes').then(found => document.title = `${found.length} font`);"
    taken = tmp_path / "taken.png"
    options = (f"--screenshot={taken}", "--hide-scrollbars", f"--window-size=1280,{HEIGHT}")
    assert drawn(boxed, wait, tmp_path, *options) == ("1 font", "")
    found = boxes.cells(Image.open(taken))
    kept = KEPT / ("engine.png" if "engine as verilog" in page.read_text() else "stream.png")
    if os.environ.get("REFRESH"):
        Image.fromarray(found.astype("uint8")).save(kept, optimize=True)
    difference = boxes.different(found, np.asarray(Image.open(kept), dtype=np.int64))
    assert difference <= boxes.SHARE, f"{difference:.2%} of {kept.name} differ: REFRESH=1 if that is wanted"


@pytest.mark.parametrize("name", ["stream", "engine"])
def test_another_picture_is_seen(name: str) -> None:
    """A bar that is missing, a picture of other colour, a line more above: each is more than smoothing."""
    kept = np.asarray(Image.open(KEPT / f"{name}.png"), dtype=np.int64)
    assert boxes.different(kept, kept + 10) == 0
    blue = np.abs(kept - (59, 110, 165)).max(axis=2) < 40  # the bars' colour
    assert blue.mean() > boxes.SHARE
    for changed in (
        np.where(blue[..., None], 255, kept),
        kept[..., ::-1],
        np.roll(kept, 2, axis=0),
        kept[1:],
    ):
        assert boxes.different(kept, changed) > boxes.SHARE


@pytest.mark.skipif(BROWSER is None, reason="no Chromium to draw the page with")
def test_a_page_that_does_not_fit_is_seen(page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = page.read_text().replace('text-anchor="end">', 'text-anchor="start" dx="2000">', 1)
    text = text.replace("--soft: #667", "--soft: #bbb").replace("</body>", "<p>" + "x" * 400 + "</p></body>")
    broken.write_text(text)
    title, said = drawn(broken, LOOK + "missing();", tmp_path, "--window-size=1280,1000")
    assert all(int(count) > 0 for count in title.split()), title
    assert "missing is not defined" in said
