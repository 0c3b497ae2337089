"""A bare pygls server with one constant code action: what every comparison is made with."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
    """Always the same."""
    return [
        types.CodeAction(
            title="Constant",
            kind=types.CodeActionKind.RefactorRewrite,
            command=types.Command(title="Constant", command="bare.constant"),
        )
    ]


if __name__ == "__main__":
    server.start_io()
