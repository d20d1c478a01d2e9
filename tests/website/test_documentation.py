"""The documentation: every link leads somewhere, on GitHub and on the site, and both show the same page.

The whole site is built, strictly, by `make docs`; here is what its parts promise, and that checks can fail.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import markdown
import pytest
from markdown_it import MarkdownIt
from mkdocs.config import load_config

import repvgg_hw
from repvgg_hw.cli import COMMANDS
from website import ROOT, check, commands, interface, links, modules, pictures

FOLDERS = ("docs", "examples", "benchmarks", ".github")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.md"))]
)
BLOCKS = {"ul", "ol", "li", "table", "tr", "td", "th", "pre", "p", "img", "h1", "h2", "h3", "strong", "em"}


def broken(page: str, text: str) -> list[str]:
    """Links of a page of the repository that lead nowhere where GitHub shows it."""
    found = []
    for target in links.targets(text):
        if links.is_external(target):
            continue
        path = links.in_repository(target, page)
        anchor = target.partition("#")[2]
        if path != page and not links.exists(path):
            found.append(target)
        elif anchor and path.endswith(".md"):
            there = text if path == page else (ROOT / path).read_text()
            found += [] if anchor in links.anchors(there) else [target]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere_on_github(page: str) -> None:
    assert broken(page, (ROOT / page).read_text()) == []


def test_links_that_lead_nowhere_are_found() -> None:
    text = "# One two\n\n[a](#one-two) [b](cli.md#devices) [c](gone.md) [d](#one) [e](cli.md#gone) `[f](g)`\n"
    assert broken("docs/new.md", text) == ["gone.md", "#one", "cli.md#gone"]


class Structure(HTMLParser):
    """How often each element stands in a page, and the anchors of its headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] += tag in BLOCKS
        self.ids |= {value for name, value in attrs if name == "id" and value and tag in ("h1", "h2", "h3")}


def both(text: str) -> tuple[Structure, Structure]:
    """A page as GitHub's parser (CommonMark, with tables) and as the site's see it."""
    config = load_config(str(ROOT / "mkdocs.yml"))
    site = markdown.Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs)
    github = MarkdownIt("commonmark").enable("table").render(text)
    return Structure(github), Structure(site.convert(text))


def test_the_site_shows_what_github_shows() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text()
        github, site = both(text)
        assert +github.count == +site.count, page
        again = {name for name in site.ids if name[-2:-1] == "_"}  # second of two: another mark
        assert links.anchors(text) >= site.ids - again, page


def test_a_page_that_they_read_differently_is_found() -> None:
    github, site = both("A paragraph:\n- no list for the site\n- but for GitHub\n")
    assert +github.count != +site.count


def test_links_out_of_docs_lead_to_pages_of_the_site() -> None:
    text = (
        "[g](../repvgg_hw/golden.py) [d](../examples/digits) [c](cli.md#devices) `[g](../x)` [h](https://a.b)"
    )
    assert links.for_site(text, "api.md") == (
        "[g](source/repvgg_hw/golden.py.md) [d](source/examples/digits/README.md) [c](cli.md#devices)"
        " `[g](../x)` [h](https://a.b)"
    )
    pages = links.source_pages({"api.md": text})
    assert {"source/repvgg_hw/golden.py.md", "source/examples/digits/README.md"} <= pages.keys()
    assert "def conv_layer" in pages["source/repvgg_hw/golden.py.md"]
    for path, page in pages.items():
        for target in links.targets(links.for_site(page, path)):
            if not links.is_external(target) and target.split("#")[0]:
                there = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.split("#")[0]))
                assert there in pages or (ROOT / "docs" / there).exists(), (path, target)


def test_every_command_has_a_page_with_its_help() -> None:
    pages = commands.pages()
    for name in COMMANDS:
        assert f"Usage: repvgg-hw {name}" in pages[f"{commands.FOLDER}/{name}.md"]
        assert f"({name}.md)" in pages[f"{commands.FOLDER}/index.md"]


def test_every_public_name_is_in_the_reference() -> None:
    (page,) = interface.pages().values()
    for name in set(repvgg_hw.__all__) - {"__version__"}:
        assert f"\n## {name}\n" in page
    assert "### GeneratedDesign.simulate\n" in page
    assert " at 0x" not in page, "an object's address stands in a signature"


def test_every_hardware_file_has_a_page_with_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, files = modules.pages(), modules.sources()
    assert len(pages) == len(files) + 1, "two files share a page"
    assert {source.path.name for source in files} >= {"rvg_conv3x3.sv", "ecp5.v", "top.sv.j2"}
    page = pages[f"{modules.FOLDER}/rvg_conv3x3.md"]
    assert "rvg_conv3x3: one whole layer" in page
    assert "parameter int C_IN" in page
    assert "[rvg_mac_array](rvg_mac_array.md)" in page
    monkeypatch.setattr(modules, "LIBRARY", tmp_path)
    (tmp_path / "rvg_new.sv").write_text("// SPDX-License-Identifier: X\n\nmodule rvg_new;\nendmodule\n")
    with pytest.raises(LookupError, match=r"rvg_new\.sv has no header"):
        modules.sources()


def test_a_built_site_with_faults_is_refused(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="a">A</h1><a href="below/b.html#b">b</a><a href="https://c">c</a>'
    )
    (tmp_path / "below/b.html").write_text(
        '<p id="b"><a href="../index.html#a">a</a><a href="/index.html">a</a>'
    )
    assert check.problems(tmp_path) == []
    (tmp_path / "below/b.html").write_text(
        '<script src="https://cdn/x.js"></script><a href="../index.html#x">a</a><a href="gone.html">b</a>'
    )
    assert check.problems(tmp_path) == [
        "below/b.html: loads https://cdn/x.js from elsewhere",
        "below/b.html: ../index.html#x: index.html has no such anchor",
        "below/b.html: gone.html leads nowhere",
        "index.html: below/b.html#b: below/b.html has no such anchor",
    ]
    assert check.problems(tmp_path / "empty") == [f"{tmp_path / 'empty'} holds no pages"]


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_pictures_are_as_drawn(name: str) -> None:
    """`python -m website.pictures` writes them; they are well-formed, and nothing lies outside."""
    drawn = pictures.PICTURES[name]()
    assert (ROOT / "docs" / name).read_text() == drawn
    root = ElementTree.fromstring(drawn)
    height = float(root.get("height", 0))
    for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(shape.get("x", 0)) + float(shape.get("width", 0)) <= pictures.WIDTH
        assert float(shape.get("y", 0)) + float(shape.get("height", 0)) <= height
