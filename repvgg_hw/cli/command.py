"""A command of repvgg-hw: options in groups, options that void one another refused, outputs checked first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from repvgg_hw.cli import hints
from repvgg_hw.cli import rules as rulebook
from repvgg_hw.cli.rules import Rule
from repvgg_hw.cli.talk import talk_options
from repvgg_hw.cli.values import OutputFile, Place, Source

OTHERS = "Other"


class Command(click.Command):
    """What every command is; `click.command(cls=Command, rules=..., groups=...)`.

    rules   which options make one another void
    groups  heading -> options (their long names) that help shows below it, in this order; a command with few
            options needs none. What no group names stands below `OTHERS`.
    """

    def __init__(
        self,
        *arguments: Any,
        rules: Sequence[Rule | tuple[Rule, ...]] = (),
        groups: dict[str, tuple[str, ...]] | None = None,
        **others: Any,
    ) -> None:
        super().__init__(*arguments, **others)
        self.rules = tuple(
            rule for given in rules for rule in (given if isinstance(given, tuple) else (given,))
        )
        self.groups = groups or {}
        self.params += talk_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Convert every value, then hold them against one another."""
        ctx.allow_extra_args = True  # refused here instead, with a word on what they were meant to be
        try:
            rest = super().parse_args(ctx, args)
        except click.MissingParameter as error:
            raise click.UsageError(hints.missing(error), ctx) from None
        if rest and not ctx.resilient_parsing:
            hint = hints.surplus(rest, self)
            raise click.UsageError(f"unexpected: {' '.join(rest)}{hint and f': {hint}'}", ctx)
        if not ctx.resilient_parsing:  # shell completion asks half-typed commands
            rulebook.check(self.rules, ctx)
            self._check_outputs(ctx)
        return rest

    def _check_outputs(self, ctx: click.Context) -> None:
        """No output is an input or another output."""
        taken: list[tuple[str, Path]] = []
        for parameter in sorted(self.params, key=lambda p: isinstance(p.type, OutputFile)):
            value = ctx.params.get(str(parameter.name))
            if not isinstance(value, (str, Path)) or not str(value):
                continue
            shown, path = parameter.get_error_hint(ctx), Path(value)
            if isinstance(parameter.type, OutputFile):
                for other, existing in taken:
                    if _same(path, existing):
                        raise click.UsageError(f"{shown} would overwrite {other}: both are {path}", ctx)
            if isinstance(parameter.type, (Place, Source)):
                taken.append((shown, path))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, but in groups."""
        if not self.groups:
            super().format_options(ctx, formatter)
            return
        for heading, rows in self._grouped(ctx):
            with formatter.section(heading):
                formatter.write_dl(rows)

    def _grouped(self, ctx: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        records = {
            max(parameter.opts, key=len): record
            for parameter in self.get_params(ctx)
            if (record := parameter.get_help_record(ctx)) is not None
        }
        for heading, names in self.groups.items():
            yield heading, [records.pop(name) for name in names]
        yield OTHERS, list(records.values())


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file, there or not yet."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return one.absolute() == other.absolute()
