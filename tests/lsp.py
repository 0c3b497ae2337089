"""The real server as a subprocess, driven by the headless editor that `opencrates demo` uses, too."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opencrates_lsp.server.headless import HeadlessEditor

SERVER = (sys.executable, "-m", "opencrates_lsp")


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a user without any settings but these ("ai__provider" is OPENCRATES_AI__PROVIDER)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPENCRATES_", "OPENAI_"))}
    named = {f"OPENCRATES_{name.upper()}": value for name, value in settings.items()}
    return {**clean, "OPENCRATES_HOME": str(home), **named}


def editor(
    root: Path,
    home: Path,
    *,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    command: Sequence[str] = SERVER,
    **settings: str,
) -> HeadlessEditor:
    """An editor in the folder; `model` is the URL of a model server, without it nothing but the offline rules."""
    if model is not None:
        settings = {"ai__openai__base_url": model, "ai__openai__model": "test-model", **settings}
    else:
        settings = {"ai__provider": "offline", **settings}
    return HeadlessEditor(
        command,
        root,
        env=environment(home, **settings),
        options={"trusted": True, "answer_within": 300, **(options or {})},
    )


async def fill(editor: HeadlessEditor, path: Path, at: int) -> Mapping[str, Any]:
    """Take the fill action at a byte of the open file; what the command answers."""
    actions = await editor.code_actions(path, at)
    chosen = next(one for one in actions if one.kind is not None and one.kind.startswith("refactor.rewrite"))
    assert chosen.disabled is None, chosen.disabled
    return as_json(await editor.choose(chosen))


def as_json(answer: object) -> dict[str, Any]:
    """A command's answer as plain JSON, whatever the client's library made of it."""
    told = _plain(answer)
    assert isinstance(told, dict)
    return told


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
