"""The core's values as the protocol has them."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import converters, types

from opencrates_lsp.errors import Moved, Refused
from opencrates_lsp.faces.answers import usage_json, verdict_json
from opencrates_lsp.faces.uris import path_of, pure_path_of, uri_of
from opencrates_lsp.rust.edits import replaced
from opencrates_lsp.server import convert
from opencrates_lsp.server.convert import ClientEdit, EditSupport, workspace_edit
from opencrates_lsp.server.documents import Documents, Encoding, OpenDocument, Place, TextChange
from opencrates_lsp.values import (
    Change,
    Create,
    Delete,
    Diagnostic,
    Document,
    Edit,
    Level,
    Replace,
    Severity,
    Span,
    Subject,
    Usage,
    Verdict,
)
from opencrates_lsp.values import TestCount as CountOfTests

LIB = Path("/crate/src/lib.rs")
TEXT = "use a;\r\nfn f() { todo!() } // é𝄞\r\nfn g() {}\r\n"
EVERYTHING = EditSupport(versions=True, create=True, delete=True, annotations=True)


def change(*edits: Edit, text: str = TEXT, asked: str = "fn f() { todo!() }") -> Change:
    start = text.index(asked)
    item = Span(len(text[:start].encode()), len(text[: start + len(asked)].encode()))
    return Change(
        id="1",
        title="Fill `f`",
        edits=edits,
        verdict=Verdict(Level.CHECK, True, "default features, host"),
        usage=Usage("offline", "known"),
        documents=(Document(LIB, text.encode()),),
        subject=Subject(LIB, "f", item, item),
    )


def replace(old: str, new: str, text: str = TEXT) -> Replace:
    start = len(text[: text.index(old)].encode())
    return Replace(LIB, Span(start, start + len(old.encode())), new, old)


def opened(text: str = TEXT, encoding: Encoding = "utf-16") -> Documents:
    documents = Documents(encoding)
    documents.open(uri_of(LIB), text, 7)
    return documents


def as_json(edit: ClientEdit) -> object:
    return converters.get_converter().unstructure(edit.edit)


@pytest.mark.parametrize(
    "path",
    ["/a b/ü/lib.rs", "/a%20b/#x?y.rs", "/100%/[x]/(y)+&=;.rs", "/nul/𝄞.rs", "/"],
)
def test_paths_go_there_and_back(path: str) -> None:
    uri = uri_of(PurePosixPath(path))
    assert uri.isascii()
    assert pure_path_of(uri, windows=False) == PurePosixPath(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows names files in UTF-16")
def test_a_file_name_that_is_no_utf8_survives() -> None:
    path = Path(os.fsdecode(b"/caf\xe9.rs"))
    assert uri_of(path) == "file:///caf%E9.rs"
    assert path_of(uri_of(path)) == path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/a%20b/lib.rs", "C:/a b/lib.rs"),
        ("file:///C:/a/lib.rs", "C:/a/lib.rs"),
        ("file://server/share/a.rs", "//server/share/a.rs"),
    ],
)
def test_windows_paths(uri: str, path: str) -> None:
    assert pure_path_of(uri, windows=True) == PureWindowsPath(path)
    assert pure_path_of(uri_of(PureWindowsPath(path)), windows=True) == PureWindowsPath(path)


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "file:relative", "", "file://elsewhere/a.rs", "file:///a%00b"])
def test_other_uris_name_no_file(uri: str) -> None:
    assert pure_path_of(uri, windows=False) is None


@given(st.text(max_size=20), st.sampled_from(["utf-8", "utf-16", "utf-32"]), st.data())
@settings(max_examples=200, deadline=None)
def test_an_edit_does_in_the_editor_what_it_does_here(text: str, encoding: Encoding, data: st.DataObject) -> None:
    """A client that follows the protocol ends with the text that the core means, halves of a `\\r\\n` included."""
    text = (text + "\r\nfn f() {}\n").encode(errors="replace").decode()
    cut = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    old = text[cut[0] : cut[1]]
    start = len(text[: cut[0]].encode())
    edit = Replace(LIB, Span(start, start + len(old.encode())), data.draw(st.sampled_from(["", "x", "\r\n", "é"])), old)
    documents = opened(text, encoding)
    told = workspace_edit(change(edit, text=text, asked="fn f() {}"), documents, EditSupport()).edit
    assert told.changes is not None
    [changes] = told.changes.values()
    document = documents.at(LIB)
    assert document is not None
    for one in changes:
        at = one.range
        span = Place(at.start.line, at.start.character), Place(at.end.line, at.end.character)
        document.apply([TextChange(one.new_text, *span)], 8)
    assert document.text == replaced(text.encode(), [edit])


def test_a_versioned_edit_says_the_buffers_version_and_marks_what_is_outside() -> None:
    told = workspace_edit(change(replace("todo!()", "1"), replace("use a;", "use a;\r\nuse b;")), opened(), EVERYTHING)
    assert told.asks
    assert [edit.expect for edit in told.outside if isinstance(edit, Replace)] == ["use a;"]
    assert as_json(told) == {
        "documentChanges": [
            {
                "textDocument": {"uri": "file:///crate/src/lib.rs", "version": 7},
                "edits": [
                    {
                        "range": {"start": {"line": 1, "character": 9}, "end": {"line": 1, "character": 16}},
                        "newText": "1",
                    },
                    {
                        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 6}},
                        "newText": "use a;\r\nuse b;",
                        "annotationId": "opencrates.outside",
                    },
                ],
            }
        ],
        "changeAnnotations": {
            "opencrates.outside": {
                "label": "Outside the item that was asked for",
                "needsConfirmation": True,
                "description": "Fill `f`",
            }
        },
    }


def test_a_client_without_annotations_is_not_said_to_ask() -> None:
    told = workspace_edit(change(replace("use a;", "")), opened(), EditSupport(versions=True))
    assert told.outside
    assert not told.asks
    assert told.edit.change_annotations is None


def test_a_file_that_is_not_open_has_no_version() -> None:
    told = workspace_edit(change(replace("todo!()", "1")), Documents("utf-8"), EVERYTHING)
    assert as_json(told) == {
        "documentChanges": [
            {
                "textDocument": {"uri": "file:///crate/src/lib.rs", "version": None},
                "edits": [
                    {
                        "range": {"start": {"line": 1, "character": 9}, "end": {"line": 1, "character": 16}},
                        "newText": "1",
                    }
                ],
            }
        ]
    }


def test_files_are_made_before_they_are_named_and_removed_last() -> None:
    made, gone = Create(Path("/crate/src/m.rs"), "//! m\n"), Delete(Path("/crate/src/old.rs"), "x")
    told = workspace_edit(change(gone, replace("todo!()", "1"), made), opened(), EVERYTHING)
    assert told.edit.document_changes is not None
    kinds = [type(operation).__name__ for operation in told.edit.document_changes]
    assert kinds == ["CreateFile", "TextDocumentEdit", "TextDocumentEdit", "DeleteFile"]
    assert told.by_server == ()


def test_a_client_without_resource_operations_leaves_files_to_the_server() -> None:
    made, gone = Create(Path("/crate/src/m.rs"), "//! m\n"), Delete(Path("/crate/src/old.rs"), "x")
    for support in (EditSupport(), EditSupport(versions=True)):
        told = workspace_edit(change(made, gone, replace("todo!()", "1")), opened(), support)
        assert told.by_server == (made, gone)
        assert "m.rs" not in json.dumps(as_json(told))


def test_an_edit_of_another_text_is_refused() -> None:
    documents = opened()
    documents.change(uri_of(LIB), 8, [TextChange("// new\n", Place(0, 0), Place(0, 0))])
    with pytest.raises(Moved):
        workspace_edit(change(replace("todo!()", "1")), documents, EVERYTHING)
    with pytest.raises(Moved):
        workspace_edit(change(Replace(LIB, Span(0, 3), "", "fn ")), opened(), EVERYTHING)
    with pytest.raises(Refused):
        workspace_edit(change(Replace(Path("/other.rs"), Span(0, 0), "x", "")), opened(), EVERYTHING)


@pytest.mark.parametrize(
    ("declared", "support"),
    [
        ({}, EditSupport()),
        ({"workspaceEdit": {"documentChanges": True}}, EditSupport(versions=True)),
        (
            {"workspaceEdit": {"resourceOperations": ["rename", "create", "delete"]}},
            EditSupport(versions=True, create=True, delete=True),
        ),
        (
            {
                "workspaceEdit": {
                    "documentChanges": True,
                    "resourceOperations": ["create"],
                    "changeAnnotationSupport": {"groupsOnLabel": True},
                }
            },
            EditSupport(versions=True, create=True, annotations=True),
        ),
    ],
)
def test_what_clients_declare(declared: object, support: EditSupport) -> None:
    capabilities = converters.get_converter().structure({"workspace": declared}, types.ClientCapabilities)
    assert EditSupport.of(capabilities) == support


def test_answers_are_the_contracts_json() -> None:
    error = Diagnostic(Severity.ERROR, "mismatched types", LIB, Span(0, 3), "E0308", "error[E0308]: …")
    tests = CountOfTests(1, 2, 0, ("t",), ("left: 1",), ("t", "u"), ("a --lib",), ("u",), ("v",))
    verdict = Verdict(Level.TEST, True, "default features, host", 2, (error,), tests, 3, 1.23456, skipped=("late",))
    told = verdict_json(verdict)
    assert json.loads(json.dumps(told)) == told
    assert told | {"steps": [], "sandbox": "none"} == {
        "level": "test",
        "reached": True,
        "configuration": "default features, host",
        "baseline_errors": 2,
        "new_errors": [
            {
                "severity": "error",
                "code": "E0308",
                "message": "mismatched types",
                "file": "file:///crate/src/lib.rs",
                "rendered": "error[E0308]: …",
            }
        ],
        "tests": {
            "passed": 1,
            "failed": 2,
            "ignored": 0,
            "broken": ["t"],
            "printed": ["left: 1"],
            "ran": ["t", "u"],
            "programs": ["a --lib"],
            "failing_before": ["u"],
            "waiting": [],
            "flaky": ["v"],
        },
        "attempts": 3,
        "seconds": 1.235,
        "sandbox": "none",
        "steps": [],
        "reason": None,
        "beyond_answer": False,
        "skipped": ["late"],
    }
    assert usage_json(Usage("openai", "m", 1, 2, 0.5, True)) == {
        "provider": "openai",
        "model": "m",
        "input_tokens": 1,
        "output_tokens": 2,
        "cost_usd": 0.5,
        "cached": True,
    }


def test_diagnostics_go_there_and_back() -> None:
    document = OpenDocument(uri_of(LIB), TEXT, 1)
    diagnostic = Diagnostic(Severity.HELP, "a hole", LIB, Span(17, 24), "hole")
    told = convert.diagnostic_of(document, diagnostic, "opencrates")
    assert (told.severity, told.source) == (types.DiagnosticSeverity.Hint, "opencrates")
    assert convert.diagnostic_from(document, told) == diagnostic
