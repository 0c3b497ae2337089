"""The rule `unsafe`: no code that the compiler does not answer for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrates_lsp.rust.policy.edit import Edit, Finding, Side, Violation, beyond, name_at
from opencrates_lsp.rust.policy.marks import Mark, attribute_ranges, calls_of
from opencrates_lsp.rust.syntax import Source, path_at

# What reaches beyond the item: into the linker, or into everything that is linked with it.
_ATTRIBUTES = frozenset(
    (
        "no_mangle",
        "export_name",
        "link_section",
        "link",
        "link_name",
        "link_ordinal",
        "naked",
        "used",
        "global_allocator",
        "panic_handler",
    )
)
_ASSEMBLY = ("asm", "global_asm", "naked_asm", "llvm_asm")


def new_unsafe(edit: Edit) -> Iterator[Violation]:
    """Blocks, functions, impls, extern blocks, mutable statics, assembly and attributes, wherever they stand."""
    for finding in beyond(edit, _unsafe(edit.before), _unsafe(edit.after)):
        where = name_at(edit.after, finding.at)
        yield Violation("unsafe", f"{where} has {finding.told} that was not there.")


def _unsafe(side: Side) -> Iterator[Finding]:
    marks = side.marks
    for at, mark in enumerate(marks):
        if mark.kind == "word" and mark.text in ("unsafe", "static", "extern"):
            told = _told(side.source, marks, at)
            if told:
                yield Finding(told, told, mark.at)
    for at, _ in calls_of(marks, _ASSEMBLY):
        yield Finding("assembly", "inline assembly", marks[at].at)
    for start, end in attribute_ranges(marks):
        within_others = marks[start].text in ("cfg_attr", "unsafe") if start < end else False
        for at in range(start, end):
            leads = at == start or (within_others and marks[at - 1].text in ("(", ","))
            if leads and marks[at].text in _ATTRIBUTES:
                yield Finding(marks[at].text, f"an unsafe attribute (`{marks[at].text}`)", marks[at].at)


def _told(source: Source, marks: Sequence[Mark], at: int) -> str:
    """What the `unsafe`, `static` or `extern` at this place begins; "" where that is safe."""
    following = [mark.text for mark in marks[at + 1 : at + 5]] + ["", "", ""]
    word = marks[at].text
    if word == "static":
        return "a `static mut`" if following[0] == "mut" else ""
    if word == "extern":
        after_abi = following[1] if following[0].startswith(('"', "r")) else following[0]
        unsafe = at > 0 and marks[at - 1].text == "unsafe"
        return "an `extern` block" if after_abi == "{" and not unsafe else ""
    if following[0] == "(":
        # `#[unsafe(no_mangle)]`: counted by the attribute's name.
        return ""
    if following[0] == "extern":
        following = following[2:] if following[1].startswith(('"', "r")) else following[1:]
    if following[:2] == ["fn", "("]:
        return ""
    if any(node.type == "token_tree" for node in path_at(source, marks[at].at)):
        return "an `unsafe` in a macro"
    return "an `unsafe` block" if following[0] == "{" and marks[at + 1].text == "{" else "an `unsafe` in its header"
