"""What a verb prints: one JSON document, a patch, or lines for people."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from opencrates_lsp.errors import OpenCratesError, Refused
from opencrates_lsp.faces import words
from opencrates_lsp.faces.answers import answer_json
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.values import Change


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


def change_json(change: Change, state: str) -> Mapping[str, object]:
    """A change as the commands of the language server answer it."""
    return answer_json(
        state,
        change.title,
        job=change.job,
        files=dict.fromkeys(edit.path for edit in change.edits),
        verdict=change.verdict,
        usage=change.usage,
        notes=change.notes,
        change=change.id if state == "applied" else None,
    )


def show(change: Change, *, dry_run: bool, as_json: bool) -> None:
    """Tell of a change that was applied, or would be; the patch of a dry run stands alone on standard output."""
    if as_json:
        print_json(change_json(change, "offered" if dry_run else "applied"))
        return
    if dry_run:
        click.echo(patch(change), nl=False)
        said = f"Not written: {change.title}: {words.proved(change.verdict)}".removesuffix(": ")
    else:
        said = words.done(change.title, change.verdict, change.usage)
    click.echo("\n".join([said, *change.notes]), err=dry_run)


def patch(change: Change) -> bytes:
    """The change as a patch; see `patch_between`."""
    before = {document.path: document.text for document in change.documents}
    return patch_between(before, applied(change.edits, before))


def patch_between(before: Mapping[Path, bytes], after: Mapping[Path, bytes | None]) -> bytes:
    """The files of `after` against those before as a unified diff, as `git apply` takes it; None is a removed file.

    Its paths are relative to this folder.
    """
    return b"".join(line for path in sorted(after) for line in _diff(path, before.get(path), after[path]))


def _diff(path: Path, old: bytes | None, new: bytes | None) -> Iterator[bytes]:
    name = os.fsencode(Path(os.path.relpath(path)).as_posix())
    # Behind a tab there would be a date; without the tab a name with a space ends at the space.
    source = b"a/%s\t" % name if old is not None else b"/dev/null"
    target = b"b/%s\t" % name if new is not None else b"/dev/null"
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old or b""), _lines(new or b""), source, target)
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _lines(text: bytes) -> list[bytes]:
    """The lines as git counts them: they end at `\\n` alone."""
    lines = text.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
