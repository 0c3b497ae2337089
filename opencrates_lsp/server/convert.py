"""The core's values as the protocol has them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from lsprotocol import types

from opencrates_lsp.errors import Moved, Refused
from opencrates_lsp.faces.uris import uri_of
from opencrates_lsp.server.documents import Documents, OpenDocument, Place
from opencrates_lsp.values import Change, Create, Delete, Diagnostic, Edit, Replace, Severity, Span

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
    Severity.HELP: types.DiagnosticSeverity.Hint,
}
_FROM_EDITOR = {severity: ours for ours, severity in _SEVERITIES.items()}
_OUTSIDE = "opencrates.outside"


def range_of(document: OpenDocument, span: Span) -> types.Range:
    """The range of a span, in the document's own encoding."""
    start, end = document.places(span)
    return types.Range(types.Position(*start), types.Position(*end))


def span_of(document: OpenDocument, asked: types.Range) -> Span:
    """The span of a range, clamped to the text."""
    return document.span(Place(asked.start.line, asked.start.character), Place(asked.end.line, asked.end.character))


def diagnostic_of(document: OpenDocument, diagnostic: Diagnostic, source: str) -> types.Diagnostic:
    """One of our diagnostics; one without a span stands at the beginning of the text.

    `source` is who says so: "rustc" or "opencrates".
    """
    return types.Diagnostic(
        range=range_of(document, diagnostic.span or Span(0, 0)),
        message=diagnostic.message,
        severity=_SEVERITIES[diagnostic.severity],
        code=diagnostic.code,
        source=source,
    )


def diagnostic_from(document: OpenDocument, diagnostic: types.Diagnostic) -> Diagnostic:
    """A diagnostic that the editor holds, whoever it is from."""
    rendered = diagnostic.data.get("rendered") if isinstance(diagnostic.data, Mapping) else None
    message = diagnostic.message
    return Diagnostic(
        severity=_FROM_EDITOR.get(diagnostic.severity or types.DiagnosticSeverity.Error, Severity.ERROR),
        message=message if isinstance(message, str) else message.value,
        path=document.path,
        span=span_of(document, diagnostic.range),
        code=None if diagnostic.code is None else str(diagnostic.code),
        # rust-analyzer keeps rustc's own text here.
        rendered=rendered if isinstance(rendered, str) else "",
    )


@dataclass(frozen=True, slots=True)
class EditSupport:
    """What a client can do with a `WorkspaceEdit`.

    `least_version` is the lowest version that it compares with that of its own text.
    """

    versions: bool = False
    create: bool = False
    delete: bool = False
    annotations: bool = False
    least_version: int = 0

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities) -> EditSupport:
        """Read from what the client declared.

        Resource operations exist in `documentChanges` alone, so a client that declares them takes `documentChanges`;
        Neovim declares only the former and applies both.
        """
        workspace = capabilities.workspace
        support = None if workspace is None else workspace.workspace_edit
        if support is None:
            return cls()
        operations = support.resource_operations or ()
        return cls(
            versions=bool(support.document_changes) or bool(operations),
            create=types.ResourceOperationKind.Create in operations,
            delete=types.ResourceOperationKind.Delete in operations,
            annotations=support.change_annotation_support is not None and bool(support.document_changes),
        )


@dataclass(frozen=True, slots=True)
class ClientEdit:
    """A change, cut into what the client does and what is left.

    `by_server` are the files that the client cannot make or remove.
    `outside` are the edits outside the items that were asked for; `asks` says that the client will ask about them,
    so that the server need not.
    """

    edit: types.WorkspaceEdit
    by_server: tuple[Create | Delete, ...]
    outside: tuple[Edit, ...]
    asks: bool


def workspace_edit(change: Change, documents: Documents, support: EditSupport) -> ClientEdit:
    """A change for the client, with the versions that the open texts have at this moment.

    Raises `Moved` where an open text is no longer the one that the change counts in.
    """
    outside = tuple(edit for edit in change.edits if _is_outside(edit, change))
    by_server = tuple(edit for edit in change.edits if _is_left(edit, support))
    texts = [(_base(path, change, documents), edits) for path, edits in _by_path(change.edits).items()]
    if not support.versions:
        changes = {base.uri: [_text_edit(base, edit) for edit in edits] for base, edits in texts}
        return ClientEdit(types.WorkspaceEdit(changes=changes), by_server, outside, asks=False)
    asks = bool(outside) and support.annotations
    marked = frozenset(map(id, outside)) if asks else frozenset()
    operations: list[types.CreateFile | types.DeleteFile | types.TextDocumentEdit] = []
    for created in change.edits:
        if isinstance(created, Create) and support.create:
            operations += _created(created, _OUTSIDE if asks else None)
    for base, edits in texts:
        version = None if base.path is None or documents.at(base.path) is None else base.version
        # Neovim's first text has version 0, its next one at least 3; an edit of version 0 it puts into any text.
        version = None if version is None else max(version, support.least_version)
        told = [_marked(_text_edit(base, edit)) if id(edit) in marked else _text_edit(base, edit) for edit in edits]
        operations.append(
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(base.uri, version), told)
        )
    for deleted in change.edits:
        if isinstance(deleted, Delete) and support.delete:
            uri = _uri(deleted.path, documents)
            operations.append(types.DeleteFile(uri=uri, annotation_id=_OUTSIDE if asks else None))
    notes = None
    if asks:
        label = "Outside the item that was asked for"
        notes = {_OUTSIDE: types.ChangeAnnotation(label=label, needs_confirmation=True, description=change.title)}
    told_edit = types.WorkspaceEdit(document_changes=operations, change_annotations=notes)
    return ClientEdit(told_edit, by_server, outside, asks)


def _is_left(edit: Edit, support: EditSupport) -> TypeGuard[Create | Delete]:
    """Whether the client cannot do this one."""
    return (isinstance(edit, Create) and not support.create) or (isinstance(edit, Delete) and not support.delete)


def _is_outside(edit: Edit, change: Change) -> bool:
    """Whether the edit goes beyond the items that were asked for; what stands right beside one is outside."""
    if not isinstance(edit, Replace):
        return True
    start, end = edit.span
    for subject in (change.subject, *change.others):
        first, last = subject.item
        if (
            edit.path == subject.path
            and first <= start
            and end <= last
            and not (start == end and start in (first, last))
        ):
            return False
    return True


def _by_path(edits: Iterable[Edit]) -> dict[Path, list[Replace]]:
    found: dict[Path, list[Replace]] = {}
    for edit in edits:
        if isinstance(edit, Replace):
            found.setdefault(edit.path, []).append(edit)
    return found


def _base(path: Path, change: Change, documents: Documents) -> OpenDocument:
    """The text that the spans of `change` count in, with its positions."""
    text = next((document.text for document in change.documents if document.path == path), None)
    if text is None:
        raise Refused("The change edits a file that it did not look at.", place=path)
    document = documents.at(path)
    if document is not None:
        if document.text != text:
            raise _moved(path)
        return document
    try:
        return OpenDocument(uri_of(path), text.decode(), 0, encoding=documents.encoding)
    except UnicodeDecodeError as error:
        raise Refused(
            "The file is not UTF-8.", remedy="Save it as UTF-8; rustc reads nothing else.", place=path
        ) from error


def _uri(path: Path, documents: Documents) -> str:
    """The editor's own spelling of the URI where it has the file open: some compare them letter by letter."""
    document = documents.at(path)
    return uri_of(path) if document is None else document.uri


def _text_edit(base: OpenDocument, edit: Replace) -> types.TextEdit:
    (start, end), text = edit.span, edit.text
    if base.text[start:end] != edit.expect.encode():
        raise _moved(edit.path)
    # There is no position between the two halves of a `\r\n`: an edit that begins or ends there takes in both.
    if base.text[start - 1 : start + 1] == b"\r\n":
        start, text = start - 1, "\r" + text
    if base.text[end - 1 : end + 1] == b"\r\n":
        end, text = end + 1, text + "\n"
    return types.TextEdit(range=range_of(base, Span(start, end)), new_text=text)


def _marked(edit: types.TextEdit) -> types.AnnotatedTextEdit:
    return types.AnnotatedTextEdit(annotation_id=_OUTSIDE, range=edit.range, new_text=edit.new_text)


def _created(edit: Create, annotation: str | None) -> list[types.CreateFile | types.TextDocumentEdit]:
    uri = uri_of(edit.path)
    text = types.TextEdit(range=types.Range(types.Position(0, 0), types.Position(0, 0)), new_text=edit.text)
    options = types.CreateFileOptions(overwrite=False, ignore_if_exists=False)
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri, None)
    return [
        types.CreateFile(uri=uri, options=options, annotation_id=annotation),
        types.TextDocumentEdit(identifier, [text if annotation is None else _marked(text)]),
    ]


def _moved(path: Path) -> Moved:
    return Moved("The text changed under the work.", remedy="Run the action again on the text as it is.", place=path)
