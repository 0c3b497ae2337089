"""rustc's own mends and words, taken from real runs of rustc."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from opencrates_lsp.rust.causes import causes, signature
from opencrates_lsp.values import Diagnostic, Replace, Severity, Span, Suggestion
from opencrates_lsp.verify.mends import imported, suggested
from opencrates_lsp.verify.telling import BUDGET, explain

RUSTC = shutil.which("rustc") or "rustc"


def replacements(spans: list[dict[str, Any]], folder: Path) -> tuple[Replace, ...]:
    edits = []
    for span in spans:
        if span["suggested_replacement"] is None:
            continue
        path = folder / span["file_name"]
        place = Span(span["byte_start"], span["byte_end"])
        expect = path.read_bytes()[slice(*place)].decode()
        edits.append(Replace(path, place, span["suggested_replacement"], expect))
    return tuple(edits)


def diagnostic(said: dict[str, Any], folder: Path) -> Diagnostic:
    primary = next((span for span in said["spans"] if span["is_primary"]), None)
    suggestions = []
    for child in said["children"]:
        edits = replacements(child["spans"], folder)
        if edits:
            sure = {span["suggestion_applicability"] for span in child["spans"]}
            suggestions.append(Suggestion(child["message"], "".join(sorted(sure)), edits))
    return Diagnostic(
        Severity.ERROR,
        said["message"],
        folder / primary["file_name"] if primary else None,
        Span(primary["byte_start"], primary["byte_end"]) if primary else None,
        said["code"]["code"] if said["code"] else None,
        said["rendered"],
        tuple(suggestions),
    )


def errors_of(file: Path, *, absolute: bool = False) -> list[Diagnostic]:
    folder = file.parent
    argv = [RUSTC, str(file) if absolute else file.name, "--edition", "2021", "--crate-type", "lib"]
    argv += ["--emit", "metadata", "--error-format", "json", "--json", "diagnostic-rendered-ansi", "--out-dir", "out"]
    run = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in run.stderr.splitlines()]
    return [diagnostic(one, folder) for one in said if one.get("level") == "error"]


def laid(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "lib.rs"
    file.write_text(text)
    return file


def item(text: str, name: str) -> Span:
    """The function, up to the line of its closing brace."""
    start = text.encode().index(f"fn {name}".encode())
    return Span(start, text.encode().index(b"\n}", start) + 2)


TWO_TRAITS = """\
mod m {
    pub trait A { fn go(&self) {} }
    pub trait B { fn go(&self) {} }
    impl A for u8 {}
    impl B for u8 {}
}
"""
TAKES = "fn takes(_: Vec<u8>, _: u64) {}\n"


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("fn f(v: Vec<u8>) {\n    takes(&v, 1);\n}\n" + TAKES, "fn f(v: Vec<u8>) {\n    takes(v, 1);\n}\n" + TAKES),
        # Two errors, each with its own mend; what stands before is not ASCII.
        (
            "// 🦀 ß\nfn f(v: Vec<u8>) {\n    takes(&v, 5u32);\n    takes(&v, 1);\n}\n" + TAKES,
            "// 🦀 ß\nfn f(v: Vec<u8>) {\n    takes(v, 5u64);\n    takes(v, 1);\n}\n" + TAKES,
        ),
        (
            "fn f() -> u8 {\n    let x = 5\n    let y = 3;\n    x + y\n}\n",
            "fn f() -> u8 {\n    let x = 5;\n    let y = 3;\n    x + y\n}\n",
        ),
        # Only maybe right, so never taken unseen.
        ('fn f() -> String {\n    "abc"\n}\n', None),
        ("struct P { name: u8 }\nfn f(p: P) -> u8 {\n    p.nam\n}\n", None),
        ("fn f() -> HashMap<u8, u8> {\n    todo!()\n}\n", None),
        # Machine-applicable, but in somebody else's code.
        ("fn g(v: Vec<u8>) {\n    takes(&v, 1);\n}\nfn f() {\n    missing();\n}\n" + TAKES, None),
        ("fn f() {}\n\n}", None),
    ],
)
def test_only_sure_mends_inside_of_the_item_are_taken(tmp_path: Path, text: str, mended: str | None) -> None:
    file = laid(tmp_path, text)
    errors = errors_of(file)
    assert errors
    made = suggested(text.encode(), file, errors, item(text + "\n}", "f"))
    assert made == (mended.encode() if mended is not None else None)


def test_a_mend_that_is_said_twice_is_made_once(tmp_path: Path) -> None:
    text = "fn f(v: Vec<u8>) {\n    takes(&v, 1);\n}\n" + TAKES
    file = laid(tmp_path, text)
    errors = errors_of(file) * 2
    assert suggested(text.encode(), file, errors, item(text, "f")) == text.replace("&v", "v").encode()


def test_a_mend_of_another_text_or_file_is_left(tmp_path: Path) -> None:
    text = "fn f(v: Vec<u8>) {\n    takes(&v, 1);\n}\n" + TAKES
    file = laid(tmp_path, text)
    errors = errors_of(file)
    assert suggested(text.replace("&v", "vv").encode(), file, errors, item(text, "f")) is None
    assert suggested(text.encode(), tmp_path / "other.rs", errors, item(text, "f")) is None


def test_of_mends_that_collide_the_first_is_taken_and_none_by_halves(tmp_path: Path) -> None:
    file, text = tmp_path / "lib.rs", b"fn f() { abcdef }"

    def offer(*edits: tuple[int, int, str]) -> Diagnostic:
        made = tuple(Replace(file, Span(a, b), new, text[a:b].decode()) for a, b, new in edits)
        return Diagnostic(Severity.ERROR, "", suggestions=(Suggestion("", "MachineApplicable", made),))

    whole = Span(0, len(text))
    first, across, half = offer((9, 12, "x")), offer((11, 13, "y")), offer((9, 12, "x"), (14, 15, "z"))
    assert suggested(text, file, [first, across], whole) == b"fn f() { xdef }"
    assert suggested(text, file, [first, half], whole) == b"fn f() { xdef }"
    assert suggested(text, file, [offer((9, 9, "x"), (9, 9, "y"))], whole) is None
    assert suggested(text, file, [offer((9, 10, "x"), (14, 15, ""))], Span(9, 14)) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fn f() -> HashMap<u8, u8> {\n    HashMap::new()\n}\n", ["use std::collections::HashMap;"]),
        (
            "fn f(_: Rc<u8>) -> BTreeMap<u8, u8> {\n    todo!()\n}\n",
            ["use std::rc::Rc;", "use std::collections::BTreeMap;"],
        ),
        (
            "mod m { pub trait T { fn go(&self) {} } impl T for u8 {} }\nfn f() {\n    5u8.go();\n}\n",
            ["use crate::m::T;"],
        ),
        # Two candidates: nobody knows which is meant.
        ("mod a { pub struct S; }\nmod b { pub struct S; }\nfn f(_: S) {\n}\n", []),
        (TWO_TRAITS + "fn f() {\n    5u8.go();\n}\n", []),
        ('fn f() -> String {\n    "abc"\n}\n', []),
    ],
)
def test_a_name_with_one_candidate_is_imported(tmp_path: Path, text: str, wanted: list[str]) -> None:
    file = laid(tmp_path, text)
    made = imported(text.encode(), file, errors_of(file))
    if not wanted:
        assert made is None
        return
    assert made is not None
    for line in wanted:
        assert made.decode().splitlines().count(line) == 1
    file.write_bytes(made)
    assert errors_of(file) == []


def test_a_model_is_told_its_own_errors_first_once_and_without_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "some body" / "src"
    folder.mkdir(parents=True)
    text = (
        "fn other() -> u8 {\n    absent_one()\n}\nfn f(v: Option<u8>) -> u8 {\n"
        '    include_str!("/home/me/x.txt");\n    v.foo() // see /usr/share/dict\n}\n'
    )
    file = laid(folder, text)
    errors = errors_of(file, absolute=True)
    said = explain(errors * 2, file, text.encode(), item(text, "f"))
    assert "\x1b" not in said
    assert str(tmp_path) not in said
    assert "some body" not in said
    assert "--> src/lib.rs:6:7\n" in said
    assert "// see /usr/share/dict" in said
    assert said.count("error[E0599]") == said.count("error[E0425]") == 1
    assert said.index("E0599") < said.index("E0425")
    assert "aborting" not in said
    assert "/library/" not in said


TELLING = "mod m { pub trait Tellable { fn tell(&self) -> u8; } impl Tellable for u8 { fn tell(&self) -> u8 { 1 } } }\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # One missing import: its uses, and what has no type without it.
        (
            "fn f() -> u8 {\n    let m: Wdget = Wdget::new();\n    let n = Wdget::of(m);\n    Vec::new();\n    n\n}\n",
            [("E0425", 2, [])],
        ),
        (
            TELLING + "fn f(x: u8) {\n    use crate::m::Telable;\n    x.tell();\n    x.nothing();\n    x.tell();\n}\n",
            [("E0432", 0, ["E0599", "E0599"]), ("E0599", 0, [])],
        ),
        # What has another cause is one of its own, however near it stands.
        (
            'fn f() -> u8 {\n    let n = absent();\n    let s: u8 = "s";\n    let t: u16 = "t";\n    s + n\n}\n',
            [("E0425", 0, []), ("E0308", 0, []), ("E0308", 0, [])],
        ),
        # The same said of several places is said once.
        (
            "fn f(v: Vec<u8>) {\n    v.foo();\n    v.foo();\n    v.bar();\n}\n",
            [("E0599", 1, []), ("E0599", 0, [])],
        ),
        ("fn f() {}\n", []),
    ],
)
def test_errors_of_one_cause_are_one(tmp_path: Path, text: str, wanted: list[tuple[str, int, list[str]]]) -> None:
    found = causes(errors_of(laid(tmp_path, text)))
    told = [(one.error.code, len(one.again), [error.code for error in one.following]) for one in found]
    assert told == wanted


def test_what_comes_of_a_cause_is_told_in_a_line(tmp_path: Path) -> None:
    text = f"{TELLING}fn f(x: u8) -> u8 {{\n    use crate::m::Telable;\n    x.tell();\n    x.tell()\n}}\n"
    file = laid(tmp_path, text)
    said = explain(errors_of(file) * 2, file, text.encode(), item(text, "f"))
    assert said.count("error[E0432]") == 1
    told = "- error[E0599]: no method named `tell` found for type `u8` in the current scope; method not found in `u8`"
    assert said.endswith(f"This comes of it, or goes with it:\n{told}")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ('fn f() -> u8 {\n    "a"\n}\n', 'fn g() {}\nfn f() -> u8 {\n    let s = "another";\n    s\n}\n', True),
        ('fn f() -> u8 {\n    "a"\n}\n', "fn f() -> u8 {\n    1u16\n}\n", False),
        ("fn f(v: Vec<u8>) {\n    v.foo();\n}\n", "fn f(v: Vec<u8>) {\n    v.bar();\n}\n", False),
        ("fn f(v: Vec<u8>) {\n    v.foo();\n}\n", "fn f(v: Vec<u8>) {\n    v.foo();\n    v.foo();\n}\n", True),
    ],
)
def test_failing_in_the_same_way_is_told_from_failing_in_another(
    tmp_path: Path, first: str, second: str, same: bool
) -> None:
    before, after = (signature(errors_of(laid(tmp_path, text))) for text in (first, second))
    assert (before == after) is same


def test_what_a_model_is_told_has_an_end(tmp_path: Path) -> None:
    text = "fn f() {\n" + "".join(f"    missing_{n}();\n" for n in range(60)) + "}\n"
    file = laid(tmp_path, text)
    said = explain(errors_of(file), file, text.encode(), item(text, "f"))
    assert "missing_0" in said
    assert said.endswith("more errors)")
    assert BUDGET / 2 < len(said) < BUDGET + 40
    huge = Diagnostic(Severity.ERROR, "m", rendered="error: m\n" + "x" * 9000)
    assert len(explain([huge], file, b"", Span(0, 0))) < BUDGET + 10


def test_an_error_that_rustc_did_not_render_is_told_with_its_line(tmp_path: Path) -> None:
    file, text = tmp_path / "src/lib.rs", b"fn f() {\r\n    g();\r\n}\r\n"
    error = Diagnostic(Severity.ERROR, "cannot find `g`", file, Span(14, 15), "E0425")
    assert explain([error], file, text, Span(0, 23)) == (
        "error[E0425]: cannot find `g`\n --> src/lib.rs:2\n2 |     g();"
    )
