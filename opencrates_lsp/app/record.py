"""What is written of a change before it is sent, and what an earlier run left open."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from opencrates_lsp.app import changes
from opencrates_lsp.errors import Missing
from opencrates_lsp.store import Store
from opencrates_lsp.store.history import Intent, IntentFile, State
from opencrates_lsp.values import Change, Delete, Documents

log = logging.getLogger(__name__)


def intent_of(change: Change, after: Mapping[Path, bytes | None]) -> Intent:
    """The change with the whole texts before and after, as it is committed before the edit is sent."""
    before = {document.path: document.text for document in change.documents}
    deleted = {edit.path: edit.expect.encode() for edit in change.edits if isinstance(edit, Delete)}
    return Intent(
        id=change.id,
        job=change.job,
        title=change.title,
        action="undo" if change.undoes else "edit",
        files=tuple(IntentFile(path, before.get(path, deleted.get(path)), text) for path, text in after.items()),
        verdict_json=json.dumps(asdict(change.verdict), default=str),
        usage=change.usage,
        state="open",
        created=time.time(),
    )


async def reconcile(store: Store, notify: Callable[[str], None], open_texts: Documents) -> None:
    """Close the intents that an earlier run left open, by what the files say, unsaved texts before those on disk."""
    for intent in await store.history.open_intents():
        paths = [file.path for file in intent.files]
        try:
            now = await asyncio.to_thread(changes.current, paths, open_texts)
        except Missing as error:
            log.warning("The intent %s stays open: %s", intent.id, error)
            continue
        texts = {path: now[path].text if path in now else None for path in paths}
        state: State = "unknown"
        if all(texts[file.path] == file.after for file in intent.files):
            state = "applied"
        elif all(texts[file.path] == file.before for file in intent.files):
            state = "not applied"
        else:
            notify(f"`{intent.title}` was interrupted, and whether it was applied cannot be told.")
        await store.history.settle(intent.id, state)
