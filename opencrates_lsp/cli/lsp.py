"""`opencrates lsp`: the language server, as `opencrates-lsp` starts it."""

from __future__ import annotations

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lsp(arguments: tuple[str, ...]) -> None:
    """Run the language server; takes the arguments of `opencrates-lsp`."""
    from opencrates_lsp.server.start import main

    sys.argv[1:] = arguments
    main()
