"""Commands that the documentation shows: each is one of this version, and so is each of its options."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from repvgg_hw.cli import main
from website import ROOT, links

PAGES = [
    "README.md",
    "examples/digits/README.md",
    *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md")),
]
TYPED = re.compile(r"^\s*(?:\$ )?(repvgg-hw .*)$")


def typed(markdown: str) -> list[str]:
    """Lines of code blocks that begin with the command, those that a backslash continues joined."""
    lines = markdown.split("\n")
    code = links.code_lines(markdown)
    block = "\n".join(line for number, line in enumerate(lines) if number in code)
    return [m[1] for line in re.sub(r"\\\n\s*", " ", block).split("\n") if (m := TYPED.match(line))]


def wrong(line: str) -> str:
    """What is not of this version in a typed command; "" where all is."""
    words = shlex.split(line, comments=True)[1:]
    context = click.Context(main, **main.context_settings)  # click keeps the help option that is made first
    if not words or words[0].startswith(("-", "COMMAND")):
        return ""
    command = main.get_command(context, words[0])
    if command is None:
        return f"no command {words[0]}"
    known = {
        name
        for parameter in command.get_params(context)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    return next(
        (f"{words[0]} has no {word}" for word in words if re.match(r"--\w", word) and word not in known), ""
    )


@pytest.mark.parametrize("page", PAGES)
def test_typed_commands_are_of_this_version(page: str) -> None:
    for line in typed((ROOT / page).read_text()):
        assert wrong(line) == "", line


def test_tutorials_type_something() -> None:
    for page in (ROOT / "docs/tutorials").glob("*.md"):
        assert len(typed(page.read_text())) >= 2, page


def test_a_command_that_is_none_is_found() -> None:
    page = "text\n\n    repvgg-hw generate --weights a.pth \\\n      --gone 1\n\n`repvgg-hw no --code`\n"
    (line,) = typed(page)
    assert wrong(line) == "generate has no --gone"
    assert wrong("repvgg-hw make build/net") == "no command make"
