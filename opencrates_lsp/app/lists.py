"""What faces list: holes, changes, providers; as plain JSON values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from opencrates_lsp.app.models import Models
from opencrates_lsp.providers import BUILTIN
from opencrates_lsp.rust.holes import Hole
from opencrates_lsp.rust.holes import holes as holes_of
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.settings import Loaded
from opencrates_lsp.store.history import Entry
from opencrates_lsp.values import Document, Documents
from opencrates_lsp.workspace.files import rust_files


def holes(roots: Sequence[Path], documents: Documents) -> list[tuple[Document, Sequence[Hole]]]:
    """The files below the roots, and the open ones, that have holes."""
    paths = dict.fromkeys(path for root in roots for path in rust_files(root))
    paths.update(dict.fromkeys(path for path in documents if path.suffix == ".rs"))
    found: list[tuple[Document, Sequence[Hole]]] = []
    for path in sorted(paths):
        document = documents.get(path)
        if document is None:
            try:
                document = Document(path, path.read_bytes())
            except OSError:
                # It went away between the listing and the reading.
                continue
        listed = holes_of(parse(document.text))
        if listed:
            found.append((document, listed))
    return found


def history(entries: Sequence[Entry]) -> dict[str, object]:
    """The changes as the faces answer them."""
    return {
        "changes": [
            {
                "id": entry.id,
                "title": entry.title,
                "state": entry.state,
                "files": [str(path) for path in entry.paths],
                "created": entry.created,
                "verdict": json.loads(entry.verdict_json),
                "cost_usd": entry.usage.cost_usd,
            }
            for entry in entries
        ]
    }


def providers(models: Models, loaded: Loaded) -> dict[str, object]:
    """The providers and the one that answers."""
    openai = loaded.settings.ai.openai
    details = {"openai": {"endpoint": openai.base_url, "model": openai.model}}
    return {
        "selected": models.name(loaded),
        "providers": [{"name": name, **details.get(name, {})} for name in BUILTIN],
    }
