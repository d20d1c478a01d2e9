"""What MkDocs calls while it builds (mkdocs.yml, `hooks`)."""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from repvgg_hw.cli import COMMANDS
from website import ROOT, commands, interface, links, modules


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The generated pages stand in the navigation behind those that are written by hand."""
    rtl = [{source.name: source.page} for source in modules.sources()]
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    reference: list[Any] = [
        {
            "Commands": [
                f"{commands.FOLDER}/index.md",
                *({n: f"{commands.FOLDER}/{n}.md"} for n in COMMANDS),
            ]
        },
        {"Python interface": interface.PAGE},
        {"Hardware modules": [f"{modules.FOLDER}/index.md", *rtl]},
    ]
    if config.nav is None:
        raise LookupError("mkdocs.yml has no nav")
    _section(config.nav, "Decisions").extend(f"decisions/{n}" for n in decisions if n != "README.md")
    config.nav.append({"Reference": reference})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, and a page for each file outside docs/ that any page links to."""
    pages = {**commands.pages(), **interface.pages(), **modules.pages()}
    written = {file.src_uri: file.content_string for file in files.documentation_pages()}
    others = links.source_pages({**written, **pages})
    for path, markdown in {**pages, **others}.items():
        file = File.generated(config, path, content=markdown)
        if path in others:
            file.inclusion = file.inclusion.NOT_IN_NAV
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that leave docs/ lead to the site's own pages of those files."""
    return links.for_site(markdown, page.file.src_uri)


def _section(nav: list[Any], title: str) -> list[Any]:
    """The pages below a title of the navigation, at any depth."""
    for entry in nav:
        if isinstance(entry, dict):
            for name, below in entry.items():
                if name == title and isinstance(below, list):
                    return below
                if isinstance(below, list):
                    try:
                        return _section(below, title)
                    except LookupError:
                        continue
    raise LookupError(f"mkdocs.yml's nav has no section {title}")
