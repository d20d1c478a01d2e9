"""The built site: every link and every anchor leads somewhere, and nothing is fetched from elsewhere.

    python -m website.check build/site

MkDocs checks the links of pages while it builds; this looks at what came out, navigation and theme included,
as a browser that has no network would.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
}  # what a browser fetches by itself


@dataclass
class Html(HTMLParser):
    """What one page refers to: anchors that it has, links that it shows, files that it loads."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADS and LOADS[tag] in values:
            self.loads.append(values[LOADS[tag]])


def problems(site: Path) -> list[str]:
    """One line for each link, anchor or file that is not there, and for each file from elsewhere."""
    pages = {path.relative_to(site).as_posix(): _parsed(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site} holds no pages"]
    return [f"{page}: {line}" for page, html in pages.items() for line in _problems(site, page, html, pages)]


def _parsed(path: Path) -> Html:
    html = Html()
    html.feed(path.read_text(encoding="utf-8"))
    return html


def _problems(site: Path, page: str, html: Html, pages: dict[str, Html]) -> Iterator[str]:
    for target in html.loads:
        if urlsplit(target).netloc:
            yield f"loads {target} from elsewhere"
    for target in dict.fromkeys([*html.links, *html.loads]):
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        path = unquote(parts.path)
        base = "" if path.startswith("/") else posixpath.dirname(page)  # 404.html is served for any address
        other = posixpath.normpath(posixpath.join(base, path.lstrip("/"))) if path else page
        if (site / other).is_dir():
            other = posixpath.normpath(posixpath.join(other, "index.html"))
        if not (site / other).is_file():
            yield f"{target} leads nowhere"
        elif parts.fragment and other in pages and unquote(parts.fragment) not in pages[other].ids:
            yield f"{target}: {other} has no such anchor"


def main() -> int:
    """Exit code 1 and a line for each problem; 0 where there is none."""
    site = Path(sys.argv[1])
    found = problems(site)
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    if not found:
        print(f"{site}: {len(list(site.rglob('*.html')))} pages, every link leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
