"""The command line: one module per command, imported only when that command runs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

import click

from repvgg_hw import __version__
from repvgg_hw.cli import hints, talk
from repvgg_hw.cli.exits import check_working_directory, end, exit_code
from repvgg_hw.cli.streams import protect

# name -> module that holds `command`; in the order in which a user meets them
COMMANDS = (
    "models",
    "devices",
    "train",
    "inspect",
    "fuse",
    "generate",
    "sweep",
    "program",
    "simulate",
    "synth",
    "board",
    "evaluate",
    "report",
    "latency",
    "doctor",
)


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is called or listed.

    `repvgg-hw simulate` must not pay for importing torch.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if importlib.util.find_spec(f"repvgg_hw.cli.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"repvgg_hw.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, but with whole sentences."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, of.get_short_help_str(limit=1000)) for name, of in commands if of])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a word that is no command is refused with the one that it resembles."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {args[0]!r}: {hints.commands(args[0], known)}")
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit, with one line for every failure (`exits`)."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        protect()
        run = super().main

        def command() -> Any:
            check_working_directory()
            try:
                return run(args, prog_name, complete_var, standalone_mode=False, **extra)
            finally:
                talk.end()

        return end(exit_code(command))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="repvgg-hw")
def main() -> None:
    """From a trained RepVGG to a streaming int8 accelerator, proven bit for bit.

    \b
    Example:
      repvgg-hw generate --weights net.safetensors --calibration images/ --target verilog -o build/net
      repvgg-hw simulate build/net --images images/ --limit 4

    Exit codes: 0 done and proven, 1 a check failed, 2 the input or the usage is wrong, 130 interrupted.
    """


main.params += talk.talk_options()  # of every command, and before its name


if __name__ == "__main__":
    sys.exit(main())
