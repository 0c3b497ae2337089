"""The command line: a click group whose verbs are imported when they are called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from opencrates_lsp import __version__
from opencrates_lsp.errors import Missing, OpenCratesError, WrongUsage

VERBS = {verb: f"opencrates_lsp.cli.{verb}" for verb in ("new", "fill", "holes", "history", "undo", "demo", "lsp")}
"""Each verb and the module that has it, as a click command of the verb's name."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(VERBS[cmd_name]), cmd_name)
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="opencrates")
def group() -> None:
    """Rust edits with their proof."""


def main(arguments: list[str] | None = None) -> None:
    """Run the verb and exit: 0 done, 1 refused, 2 wrong usage, 3 something is missing, 130 Ctrl-C."""
    try:
        group.main(arguments, prog_name="opencrates", standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OpenCratesError as error:
        click.echo(f"opencrates: {error}", err=True)
        sys.exit(2 if isinstance(error, WrongUsage) else 3 if isinstance(error, Missing) else 1)


def cargo_main() -> None:
    """The same as `cargo opencrates …`; cargo passes its subcommand's name first."""
    arguments = sys.argv[1:]
    main(arguments[1:] if arguments[:1] == ["opencrates"] else arguments)
