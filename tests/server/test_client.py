"""What is known of an editor from its `initialize`."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import converters, types

from opencrates_lsp.server.client import Client
from opencrates_lsp.server.convert import workspace_edit
from opencrates_lsp.server.documents import Documents
from opencrates_lsp.values import Change, Document, Level, Replace, Span, Subject, Usage, Verdict

TEXT = b"fn f() {}\n"


@pytest.mark.parametrize(("name", "version"), [("Neovim", 1), ("Visual Studio Code", 0)])
def test_an_edit_of_a_first_text_has_a_version_that_the_client_compares(name: str, version: int) -> None:
    """Neovim gives its first text version 0, and puts an edit of version 0 into any later one."""
    capabilities = {"workspace": {"workspaceEdit": {"documentChanges": True}}}
    said = {"capabilities": capabilities, "clientInfo": {"name": name}}
    client = Client.of(converters.get_converter().structure(said, types.InitializeParams))
    path, item = Path("/crate/src/lib.rs"), Span(0, len(TEXT))
    change = Change(
        id="1",
        title="Fill `f`",
        edits=(Replace(path, Span(3, 4), "g", "f"),),
        verdict=Verdict(Level.CHECK, True, "default features, host"),
        usage=Usage("offline", "known"),
        documents=(Document(path, TEXT),),
        subject=Subject(path, "f", item, item),
    )
    documents = Documents("utf-8")
    documents.open(path.as_uri(), TEXT.decode(), 0)
    [edit] = workspace_edit(change, documents, client.edits).edit.document_changes or ()
    assert isinstance(edit, types.TextDocumentEdit)
    assert edit.text_document.version == version
