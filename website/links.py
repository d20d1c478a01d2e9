"""Where the links of Markdown pages lead: in the repository, as GitHub follows them, and on the site.

On the site a page of docs/ stands where it stands there; any other file that a page links to becomes a page
below `source/`.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from markdown_it import MarkdownIt

from website import ROOT, fenced

DOCS = "docs"
SOURCES = "source"  # the site's folder for files that are not below docs/
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s]+)(?P<after>\))")
CODE_SPAN = re.compile(r"(`+)(?:(?!\1).)+?\1")
LANGUAGES = {
    ".py": "python",
    ".sv": "systemverilog",
    ".v": "verilog",
    ".yml": "yaml",
    ".toml": "toml",
    ".json": "json",
}

_parser = MarkdownIt("commonmark").enable("table")


def code_lines(markdown: str) -> set[int]:
    """Numbers of the lines that are code blocks, fenced or indented, at any depth."""
    tokens = _parser.parse(markdown)
    blocks = [token.map for token in tokens if token.type in ("fence", "code_block") and token.map]
    return {line for start, end in blocks for line in range(start, end)}


def relink(markdown: str, change: Callable[[str], str]) -> str:
    """The page with every inline link's target changed; code stays as it is."""
    code = code_lines(markdown)

    def changed(text: str) -> str:
        return LINK.sub(lambda m: m["before"] + change(m["target"]) + m["after"], text)

    lines = markdown.split("\n")
    for number, line in enumerate(lines):
        if number in code or "](" not in line:
            continue
        spans = [*CODE_SPAN.finditer(line)]
        # a link's text may be code, `[`code`](target)`: only what is inside a span is left alone
        pieces, at = [], 0
        for span in spans:
            pieces += [changed(line[at : span.start()]), span[0]]
            at = span.end()
        lines[number] = "".join([*pieces, changed(line[at:])])
    return "\n".join(lines)


def targets(markdown: str) -> list[str]:
    """Targets of a page's inline links, in order."""
    found: list[str] = []
    relink(markdown, lambda target: found.append(target) or target)  # type: ignore[func-returns-value]
    return found


def is_external(target: str) -> bool:
    """Whether a link leads out of the repository."""
    return re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


def in_repository(target: str, page: str) -> str:
    """The file or folder that a relative link of a page names, both as paths from the repository's root."""
    path = target.split("#")[0]
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page


def anchors(markdown: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    tokens = _parser.parse(markdown)
    found: dict[str, int] = {}
    for before, token in pairwise(tokens):
        if before.type != "heading_open" or token.children is None:
            continue
        text = "".join(child.content for child in token.children if child.type in ("text", "code_inline"))
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        if found[slug]:
            found[f"{slug}-{found[slug]}"] = 0
    return set(found)


def place(path: str) -> str:
    """Where the site has a file of the repository; a folder stands for its README."""
    if path == DOCS or path.startswith(f"{DOCS}/"):
        return posixpath.relpath(path, DOCS)
    if (ROOT / path).is_dir():
        path = f"{path}/README.md" if (ROOT / path / "README.md").is_file() else f"{path}/index"
    return f"{SOURCES}/{path}" if path.endswith(".md") else f"{SOURCES}/{path}.md"


def repository_path(site_path: str) -> str:
    """The path from the repository's root of a page of the site: links on the page are relative to it."""
    if site_path.startswith(f"{SOURCES}/"):
        return site_path.removeprefix(f"{SOURCES}/")
    return f"{DOCS}/{site_path}"


def for_site(markdown: str, site_path: str) -> str:
    """The page with links out of docs/ led to the pages that the site has of those files."""
    page = repository_path(site_path)

    def change(target: str) -> str:
        if is_external(target) or target.startswith(("#", "/")):
            return target
        path = in_repository(target, page)
        if not exists(path):
            return target  # MkDocs says so
        anchor = "#" + target.split("#")[1] if "#" in target and path.endswith(".md") else ""
        return posixpath.relpath(place(path), posixpath.dirname(site_path)) + anchor

    return relink(markdown, change)


def exists(path: str) -> bool:
    """Whether a path is a file or folder inside the repository."""
    return not path.startswith("..") and (ROOT / path).exists()


def source_pages(pages: dict[str, str]) -> dict[str, str]:
    """Pages for all files outside docs/ that the given pages link to, and those that they link to in turn."""
    made: dict[str, str] = {}
    todo = [*pages.items()]
    while todo:
        site_path, markdown = todo.pop()
        for path in _linked(markdown, repository_path(site_path)):
            at = place(path)
            if not path.startswith(f"{DOCS}/") and at not in made:
                made[at] = source_page(path)
                todo.append((at, made[at]))
    return made


def _linked(markdown: str, page: str) -> Iterator[str]:
    for target in targets(markdown):
        if not is_external(target) and not target.startswith(("#", "/")):
            path = in_repository(target, page)
            if exists(path):
                yield path


def source_page(path: str) -> str:
    """A file as a page: Markdown as it is, a folder by its README or its names, all else as code."""
    here = ROOT / path
    if here.is_dir():
        readme = here / "README.md"
        names = sorted(entry.name for entry in here.iterdir() if not entry.name.startswith(("__", ".")))
        return readme.read_text() if readme.is_file() else f"# {path}\n\n{fenced(chr(10).join(names))}"
    if here.suffix == ".md":
        return here.read_text()
    if here.suffix == ".ipynb":
        return f"# {here.name}\n\n`{path}`\n\n{notebook(here.read_text())}"
    code = fenced(here.read_text(), LANGUAGES.get(here.suffix, "text"))
    return f"# {here.name}\n\n`{path}`\n\n{code}"


def notebook(text: str) -> str:
    """A notebook's cells, which have no outputs, as Markdown; its headings one level down."""
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        code = cell["cell_type"] == "code"
        parts.append(
            fenced(source, "python") if code else re.sub("^#", "##", source, flags=re.MULTILINE) + "\n"
        )
    return "\n".join(parts)
