"""The code in an answer: fences, thoughts, bare text; what is cut off and what leaves code out."""

from __future__ import annotations

import pytest

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.answer import check, snippets

FN = "fn one() -> u8 {\n    1\n}"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"Sure!\n\n```rust\n{FN}\n```\nThat is all.", [FN]),
        (f"```rs\n{FN}\n```", [FN]),
        (f"~~~rust\n{FN}\n~~~", [FN]),
        (f"````\n{FN}\n````", [FN]),
        (f"```Rust,no_run title=x\n{FN}\n```", [FN]),
        (f"```{{.rust}}\n{FN}\n```", [FN]),
        (f"Here: ```rust\n{FN}\n```", [FN]),
        (f"```rust\n{FN}```", [FN]),
        (f"```rust\n{FN}\n", [FN]),
        (f"1. First:\n   ```rust\n   {FN.replace(chr(10), chr(10) + '   ')}\n   ```", [FN]),
        (
            f"```toml\na = 1\n```\n```rust\nuse a::b;\n```\ntext\n```rust\n{FN}\n```\n```\noutput\n```",
            ["use a::b;", FN],
        ),
        (f"````markdown\nSee\n```rust\n{FN}\n```\n````", [FN]),
        (f"<think>\nMaybe\n```rust\nfn no() {{}}\n```\n</think>\n```rust\n{FN}\n```", [FN]),
        (f"<thinking>fn no() {{}}</thinking>{FN}", [FN]),
        (f"I think ```rust\nfn no() {{}}\n```\n</think>\n{FN}", [FN]),
        (f"\ufeff{FN}".replace("\n", "\r\n"), [FN]),
        (f"Here you go:\n\n{FN}\n\nIt returns one.", [FN]),
        (f"<answer>\n{FN}\n</answer>", [FN]),
        ("`self.items.len()`", ["self.items.len()"]),
        ("let a = 1;\na + 1", ["let a = 1;\na + 1"]),
        ("None", ["None"]),
        ('```rust\n/// ```\n/// one();\n/// ```\nfn f() -> &\'static str {\n    r#"\n```\n"#\n}\n```', None),
        ("```rust\n/**\n```\none();\n```\n*/\nfn f() {}\n```", ["/**\n```\none();\n```\n*/\nfn f() {}"]),
    ],
)
def test_the_code_is_found(answer: str, code: list[str] | None) -> None:
    if code is None:
        code = ["\n".join(answer.split("\n")[1:-1])]
    assert [snippet.text.strip("\n") for snippet in snippets(answer)] == code


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("I cannot do that; it isn't possible.", "no Rust code"),
        ("Sorry", "no Rust code"),
        ("<think>\n```rust\nfn no() {}\n```\n", "ends before its thinking does"),
        ("```toml\na = 1\n```", "only `toml`"),
        ("```rust\n```", "no Rust code"),
    ],
)
def test_an_answer_without_code_is_refused(answer: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        snippets(answer)


def fault(code: str, known: str = "", *, fence: bool = True) -> str | None:
    """What `check` says of the code."""
    try:
        check(snippets(f"```rust\n{code}\n```" if fence else code)[0], known)
    except Refused as refusal:
        return refusal.message
    return None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("fn f() {\n    g(1", "the `(` that begins in line 2"),
        ("fn f() {\n    if a {\n    }", "the `{` that begins in line 1"),
        ('fn f() { let a = "abc', "a string that begins in line 1"),
        ('fn f() { r#"abc" }', "a string"),
        ("fn f() {} /* and", "a comment"),
        ("fn f() {}\n}", "a `}` in line 2 that closes nothing"),
        ("fn f() { (] }", "a `]`"),
        ("fn f() {}\n\n/// Next", "ends with `/// Next`"),
        ("fn f() {}\n#[test]", "ends with `]`"),
        ("fn f() {}\nfn g() ->", "ends with `->`"),
        ("// only this", "only comments"),
    ],
)
def test_what_is_cut_off_is_told(code: str, reason: str) -> None:
    assert reason in (fault(code) or "")


@pytest.mark.parametrize(
    "line",
    [
        "// ... existing code ...",
        "// ...",
        "/* unchanged */",
        "// … rest of the code …",
        "// rest of the function",
        "// rest of implementation unchanged",
        "// The rest of the methods remain the same.",
        "// [existing fields]",
        "// Other methods remain unchanged",
        "// (same as before)",
        "// your code here",
        "// omitted for brevity",
        "// --- snip ---",
        "...",
        "…",
        "{ ... }",
        "// existing code...",
        "// ... other arms",
        "// implementation goes here",
    ],
)
def test_code_left_out_is_told(line: str) -> None:
    assert "leaves code out" in (fault(f"fn f() {{\n    {line}\n}}") or ""), line
    assert "leaves code out" in (fault(f"fn a() {{}}\n{line}\n") or ""), line


@pytest.mark.parametrize(
    "line",
    [
        "let a = [..];",
        "let Point { x, .. } = p;",
        "for i in 0..n {}",
        "match c { 'a'..='z' => 1, _ => 2 };",
        "let p = Point { x: 1, ..old };",
        'print("// ... existing code ...");',
        'let s = r"\n...\n// unchanged\n";',
        "// Skip the rest of the line.",
        "// The rest is handled by the caller.",
        "a(); // unchanged",
        "// The other fields are private.",
        "// Existing entries win over new ones.",
        "// ...and the last one wins.",
        "/// # Examples\n/// ...\nfn inner() {}",
        "// Wait for the same key to come back here.",
        "// before: a, after: b",
    ],
)
def test_what_only_looks_like_code_left_out_is_none(line: str) -> None:
    assert fault(f"fn f() {{\n    {line}\n}}") is None


def test_a_comment_of_the_file_is_no_elision_in_the_answer() -> None:
    code = "fn f() {\n    // unchanged\n    g()\n}"
    assert "unchanged" in (fault(code) or "")
    assert fault(code, known="fn f() {\n    // unchanged\n    todo!()\n}") is None


def test_c_variadics_are_no_elision() -> None:
    assert fault('extern "C" {\n    fn printf(\n        format: *const u8,\n        ...\n    ) -> i32;\n}') is None
