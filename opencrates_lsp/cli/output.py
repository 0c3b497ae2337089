"""What a verb prints: one JSON document, a patch, or lines for people."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import click

from opencrates_lsp.errors import Moved, OpenCratesError, Refused
from opencrates_lsp.faces import words
from opencrates_lsp.faces.answers import answer_json
from opencrates_lsp.faces.differences import patch_of
from opencrates_lsp.values import Change, Offer


def print_json(document: Mapping[str, object]) -> None:
    """One document in ASCII, so that no terminal and no file name can break it."""
    click.echo(json.dumps(document, indent=2))


@contextlib.contextmanager
def reporting(title: str, *, as_json: bool) -> Iterator[None]:
    """What goes wrong inside is answered as JSON too, when JSON was asked for; it is raised on in any case."""
    try:
        yield
    except OpenCratesError as error:
        if as_json:
            verdict = error.verdict if isinstance(error, Refused) else None
            print_json(answer_json(words.state_of(error), title, verdict=verdict, reason=str(error)))
        raise
    except KeyboardInterrupt:
        if as_json:
            print_json(answer_json("cancelled", title, reason=f"{title} was cancelled."))
        raise


def change_json(change: Change, state: str, *, reason: str | None = None) -> Mapping[str, object]:
    """A change as the commands of the language server answer it; what is offered comes with its patch."""
    return answer_json(
        state,
        change.title,
        job=change.job,
        files=dict.fromkeys(edit.path for edit in change.edits),
        verdict=change.verdict,
        usage=change.usage,
        notes=change.notes,
        change=change.id if state == "applied" else None,
        reason=reason,
        diff=patch_of(change, Path()).decode(errors="replace") if state == "offered" else None,
    )


def show(change: Change, *, dry_run: bool, as_json: bool) -> None:
    """Tell of a change that was applied, or would be; the patch of a dry run stands alone on standard output."""
    if as_json:
        print_json(change_json(change, "offered" if dry_run else "applied"))
        return
    if dry_run:
        click.echo(patch_of(change, Path()), nl=False)
        said = f"Not written: {change.title}: {words.proved(change.verdict)}".removesuffix(": ")
    else:
        said = words.done(change.title, change.verdict, change.usage)
    click.echo("\n".join([said, *change.notes]), err=dry_run)


def show_offer(offer: Offer, *, as_json: bool) -> NoReturn:
    """Tell of a change whose item was edited meanwhile: the patch for the file as it is now; nothing was written.

    Raises `Moved`, which says so on standard error.
    """
    names = " and ".join(f"`{name}`" for name in offer.typed)
    what = "keeps what was typed there" if offer.keeps else "takes out what was typed there"
    error = Moved(
        f"Not written: {names} was edited meanwhile; the patch {what}.",
        remedy="Apply the patch, or run it again.",
        place=offer.change.subject.path,
    )
    if as_json:
        print_json(change_json(offer.change, "offered", reason=str(error)))
    else:
        click.echo(patch_of(offer.change, Path()), nl=False)
    raise error
