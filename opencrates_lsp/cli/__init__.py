"""The command line: a click group whose verbs are imported when they are called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from opencrates_lsp import __version__

VERBS = {
    "new": "Make a crate, compiled and tested before it lands.",
    "fill": "Fill the holes of a file, each proved by rustc.",
    "holes": "List what is left to fill.",
    "history": "List the changes, newest first.",
    "undo": "Take a change back.",
    "demo": "Fill an example crate and make a new one, here and now.",
    "lsp": "Run the language server.",
}
"""Each verb, a module here that has a click command of its name, and what it does: help is told without importing."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"opencrates_lsp.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="opencrates")
def group() -> None:
    """Rust edits with their proof.

    Exits 0 when done, 1 when a result was refused or could not be proved, 2 on wrong usage, 3 when something is
    missing (no cargo, no provider answers), 130 on Ctrl-C.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the verb and exit, as the help of the group says."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character, and a file name that is no text, are no reason to end.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    plain = bool(os.environ.get("NO_COLOR"))
    try:
        group.main(arguments, prog_name="opencrates", standalone_mode=False, color=False if plain else None)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except Exception as error:
        from opencrates_lsp.errors import OpenCratesError

        if not isinstance(error, OpenCratesError):
            raise
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    """Say what went wrong, with the compiler's first word on it; the exit code."""
    from opencrates_lsp.errors import Missing, Refused, WrongUsage

    click.echo(f"opencrates: {error}", err=True)
    rendered = (
        next((one.rendered for one in error.diagnostics if one.rendered), "") if isinstance(error, Refused) else ""
    )
    if rendered:
        click.echo(rendered.rstrip(), err=True)
    return 2 if isinstance(error, WrongUsage) else 3 if isinstance(error, Missing) else 1


def cargo_main() -> None:
    """The same as `cargo opencrates …`; cargo passes its subcommand's name first."""
    arguments = sys.argv[1:]
    main(arguments[1:] if arguments[:1] == ["opencrates"] else arguments)
