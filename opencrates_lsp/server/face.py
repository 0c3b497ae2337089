"""The editor as the face of one job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from opencrates_lsp.face import Phase
from opencrates_lsp.values import Documents, Question

if TYPE_CHECKING:
    from opencrates_lsp.server.protocol import DocumentProtocol

logger = logging.getLogger(__name__)

ASK_SECONDS = 600.0
"""A question that is not answered by then is taken as unanswered, so that no job waits for ever."""


class EditorFace:
    """See `opencrates_lsp.face.Face`; `told` gets what the job says of itself.

    `asking` gets what the user is asked, and "" once he has answered.
    """

    def __init__(
        self,
        protocol: DocumentProtocol,
        told: Callable[[Phase, str], None],
        asking: Callable[[str], None] | None = None,
    ) -> None:
        self._protocol = protocol
        self._told = told
        self._asking = asking

    def documents(self) -> Documents:
        """The open files."""
        return self._protocol.documents.snapshots()

    def progress(self, phase: Phase, message: str = "") -> None:
        """Show what is being done."""
        self._told(phase, message)

    async def ask(self, question: Question) -> str | None:
        """One of the choices; None where the user dismissed the question, or the editor cannot ask.

        Every editor is asked, because what `window.showMessage` declares is not whether it can: one that cannot
        answers with an error.
        """
        text = f"{question.text}\n{question.detail}" if question.detail else question.text
        params = types.ShowMessageRequestParams(
            type=types.MessageType.Info,
            message=text,
            actions=[types.MessageActionItem(title=choice) for choice in question.choices],
        )
        self._told("waiting", "your answer")
        if self._asking is not None:
            self._asking(question.text)
        try:
            answer = await self._protocol.ask(types.WINDOW_SHOW_MESSAGE_REQUEST, params, ASK_SECONDS)
        finally:
            if self._asking is not None:
                self._asking("")
        if isinstance(answer, types.MessageActionItem) and answer.title in question.choices:
            return answer.title
        return None
