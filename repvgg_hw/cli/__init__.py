"""The command line: one module per command, imported only when that command runs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

import click

from repvgg_hw import __version__
from repvgg_hw.errors import RepVGGHWError

# name -> module that holds `command`; in the order in which a user meets them
COMMANDS = ("models", "inspect", "fuse", "generate", "simulate", "evaluate", "report", "latency")


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

    def invoke(self, ctx: click.Context) -> Any:
        """Turn every expected error into one line on stderr and its exit code."""
        try:
            return super().invoke(ctx)
        except RepVGGHWError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:  # unwritable folder, missing file, full disk: the message names the path
            click.echo(f"error: {error}", err=True)
            ctx.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="repvgg-hw")
def main() -> None:
    """From a trained RepVGG to a streaming int8 accelerator, proven bit for bit.

    \b
    Example:
      repvgg-hw generate --weights net.safetensors --calibration images/ --target verilog -o build/net
      repvgg-hw simulate build/net --images images/ --limit 4

    Exit codes: 0 done and proven, 1 a check failed, 2 the input or the usage is wrong.
    """


if __name__ == "__main__":
    sys.exit(main())
