"""What one file declares, imports and implements, macros' braces and inline modules included."""

from __future__ import annotations

import pytest

from opencrates_lsp.rust.conditions import all_hold, holds
from opencrates_lsp.rust.declared import Block, Import, Modules, declared_in
from opencrates_lsp.rust.syntax import parse

TEXT = """
#![cfg(not(loom))]
pub(crate) use a::{b, c as d, e::*};
#[cfg(feature = "x")]
pub use ::f::g;
extern crate alloc as memory;
pub mod inline {
    pub struct Inside;
    mod deeper { fn f() { struct Local; } }
}
#[path = "odd.rs"]
mod elsewhere;
impl<T> Iterator for inline::Inside where T: Copy { type Item = T; }
cfg_rt! {
    pub mod task;
    #[cfg(unix)]
    pub fn spawn() {}
    other! { pub enum Deep { One } }
}
cfg_if::cfg_if! {
    if #[cfg(any(a, b = "c"))] { mod first; } else if #[cfg(d)] { mod second; } else { mod third; }
}
macro_rules! root {
    (x) => { pub mod not_this; };
    () => { pub use de::One; mod within { pub struct Two; } };
}
root!();
root!(x);
thread_local! { static X: u8 = 1 }
"""


def named(modules: Modules) -> dict[str, tuple[object, ...]]:
    return {
        "::".join((*inside, one.name)): (one.kind, one.public, one.cfgs[1:], one.macros, one.inline, one.file)
        for inside, module in modules.items()
        for one in module.declared
        if not one.name.endswith("!")
    }


def test_what_a_file_declares() -> None:
    assert named(declared_in(parse(TEXT.encode()))) == {
        "inline": ("mod", True, (), (), True, ""),
        "inline::Inside": ("struct", True, (), (), False, ""),
        "inline::deeper": ("mod", False, (), (), True, ""),
        "inline::deeper::f": ("function", False, (), (), False, ""),
        "elsewhere": ("mod", False, (), (), False, "odd.rs"),
        "task": ("mod", True, (), ("cfg_rt",), False, ""),
        "spawn": ("function", True, ("unix",), ("cfg_rt",), False, ""),
        "Deep": ("enum", True, (), ("cfg_rt", "other"), False, ""),
        "root": ("macro", False, (), (), False, ""),
        "root!::within": ("mod", False, (), (), True, ""),
        "root!::within::Two": ("struct", True, (), (), False, ""),
        "first": ("mod", False, ('any(a, b = "c")',), (), False, ""),
        "second": ("mod", False, ('not(any(a, b = "c"))', "d"), (), False, ""),
        "third": ("mod", False, ('not(any(a, b = "c"))', "not(d)"), (), False, ""),
        "X": ("static", False, (), ("thread_local",), False, ""),
    }


def test_a_macro_without_parameters_is_a_module_and_its_call_is_marked() -> None:
    modules = declared_in(parse(TEXT.encode()))
    assert modules[("root!",)].imports == [Import(("de", "One"), "One", public=True, cfgs=("not(loom)",))]
    assert [one.inline for one in modules[()].declared if one.name == "root!"] == [True, False]


def test_what_a_file_imports_and_implements() -> None:
    module = declared_in(parse(TEXT.encode()))[()]
    assert module.imports == [
        Import(("a", "b"), "b", public=False),
        Import(("a", "c"), "d", public=False),
        Import(("a", "e"), "*", public=False),
        Import(("", "f", "g"), "g", public=True, cfgs=('feature = "x"',)),
        Import(("", "alloc"), "memory", public=False, cfgs=("not(loom)",)),
    ]
    (block,) = module.blocks
    assert (block.name, block.header) == ("Inside", "impl<T> Iterator for inline::Inside where T: Copy")
    assert TEXT.encode()[block.start : block.end].endswith(b"type Item = T; }")


@pytest.mark.parametrize(
    "text", ["", "impl", "mod a { mod b {", "use ;", "cfg_if! { if #[cfg(", "m! { pub struct }", "\0"]
)
def test_broken_text_is_borne(text: str) -> None:
    declared_in(parse(text.encode()))


def test_spans_are_those_of_the_file_inside_of_macros_too() -> None:
    text = TEXT.encode()
    for module in declared_in(parse(text)).values():
        for one in module.declared:
            assert one.name.removesuffix("!").encode() in text[one.start : one.end]
    assert declared_in(parse(b"m! { n! { impl A {} } }"))[()].blocks == [Block("A", "impl A", 10, 19, (), ("m", "n"))]


@pytest.mark.parametrize(
    ("predicate", "features", "expected"),
    [
        ('feature = "std"', {"std"}, True),
        ('feature = "std"', {"alloc"}, False),
        ('feature = "std"', None, None),
        ('not(feature = "std")', set(), True),
        ('all(feature = "a", unix)', set(), False),
        ('all(feature = "a", unix)', {"a"}, None),
        ('any(feature = "a", unix)', {"a"}, True),
        ('any(feature = "a", feature = "b")', set(), False),
        ("any()", set(), False),
        ("all()", set(), True),
        ("test", None, False),
        ("not(any(test, docsrs))", None, True),
        ('target_os = "linux"', set(), None),
        ('all(feature = "a", not(all(loom, test)))', {"a"}, True),
        ("", set(), None),
        ("all(", set(), True),
        ("not()", set(), None),
        ("=", set(), None),
    ],
)
def test_what_holds_in_a_dependency(predicate: str, features: set[str] | None, expected: bool | None) -> None:
    assert holds(predicate, frozenset(features) if features is not None else None) is expected


def test_all_of_several_hold() -> None:
    on = frozenset({"a"})
    assert all_hold(('feature = "a"', "not(test)"), on) is True
    assert all_hold(('feature = "a"', "unix"), on) is None
    assert all_hold(("unix", 'feature = "b"'), on) is False
