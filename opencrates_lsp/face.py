"""What a face (editor, CLI, TUI, gateway) lends to the core while a job runs."""

from __future__ import annotations

from typing import Literal, Protocol

from opencrates_lsp.values import Documents, Question

Phase = Literal["context", "model", "merge", "check", "tests", "waiting", "apply"]


class Face(Protocol):
    """A face shows progress, answers questions, and knows the unsaved texts."""

    def documents(self) -> Documents:
        """The open buffers, by absolute path, as they are now."""
        ...

    def progress(self, phase: Phase, message: str = "") -> None:
        """Tell what is being done; `waiting` names what is waited for."""
        ...

    async def ask(self, question: Question) -> str | None:
        """One of the question's choices, or None when nobody answers."""
        ...
