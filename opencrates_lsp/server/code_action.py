"""textDocument/codeAction: what can be done at a place; from memory, without I/O and without a model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from opencrates_lsp.server.convert import span_of
from opencrates_lsp.server.documents import OpenDocument

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

    from opencrates_lsp.actions.base import Action, Offer
    from opencrates_lsp.server.session import Session

logger = logging.getLogger(__name__)

WHOLE_FILE = frozenset({"opencrates.fillFile"})
"""The commands that take no position."""


def register(server: LanguageServer, session: Session, actions: Callable[[], Sequence[Action]]) -> None:
    """Answer the request with what `actions` offer; they are imported when the first one comes."""

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(
            # No `resolve_provider`: every action has its command, and some editors resolve those, too.
            code_action_kinds=[types.CodeActionKind.RefactorRewrite, types.CodeActionKind.Source]
        ),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction | types.Command] | None:
        session.asked()
        return offered(session, params, actions())


def offered(
    session: Session, params: types.CodeActionParams, actions: Iterable[Action]
) -> list[types.CodeAction | types.Command] | None:
    """The offers of all actions in their order; one that fails is logged and takes none of the others down."""
    document = session.documents.get(params.text_document.uri)
    if document is None or document.path is None or document.language != "rust":
        return None
    only = params.context.only
    request = session.request(document, span_of(document, params.range))
    found: list[types.CodeAction | types.Command] = []
    for action in actions:
        if only is not None and not any(_wanted(kind, only) for kind in action.kinds):
            continue
        try:
            offers = action.find(request)
        except Exception:
            logger.exception("The action %s cannot say what it offers.", action.id)
            continue
        for offer in offers:
            if only is None or _wanted(offer.kind, only):
                found += _told(session, document, offer)
    return found


def _wanted(kind: str, only: Sequence[str]) -> bool:
    """Whether a kind is one of these, or below one: `refactor` wants `refactor.rewrite`, "" wants everything."""
    return any(not one or kind == one or kind.startswith(f"{one}.") for one in only)


def _told(session: Session, document: OpenDocument, offer: Offer) -> Iterable[types.CodeAction | types.Command]:
    client = session.client
    if offer.disabled is not None and not client.disabled:
        return ()
    argument: dict[str, object] = {"uri": document.uri}
    if offer.command not in WHOLE_FILE:
        line, character = document.place(offer.span.start)
        argument["position"] = {"line": line, "character": character}
    command = types.Command(title=offer.title, command=offer.command, arguments=[argument])
    if not client.literals:
        return (command,)
    return (
        types.CodeAction(
            title=offer.title,
            kind=offer.kind,
            is_preferred=True if offer.preferred else None,
            disabled=None if offer.disabled is None else types.CodeActionDisabled(reason=offer.disabled),
            # An action that cannot run has no command: not every editor holds the user back.
            command=command if offer.disabled is None else None,
            tags=[types.CodeActionTag.LlmGenerated] if client.tags else None,
        ),
    )
