"""The documentation site: what MkDocs adds to the pages of docs/. `make docs` builds it and checks it.

hooks      MkDocs calls it: adds the generated pages, turns links that leave docs/ into pages
commands   a page for each command, from the argument parser
interface  a page for the Python interface, from its docstrings
modules    a page for each module of the Verilog library, from its header
links      where a link of a page leads, on GitHub and on the site
check      the built site: every link and anchor leads somewhere, nothing is fetched from elsewhere
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def fenced(text: str, language: str = "text") -> str:
    """A code block of Markdown, whatever the text holds."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"
