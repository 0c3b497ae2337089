"""How somebody else's item is shown: its public parts, without bodies, with the docs cut short."""

from __future__ import annotations

import pytest

from opencrates_lsp.rust.surface import (
    definition,
    implemented,
    is_opaque,
    outline,
    public_members,
    slice_of,
)

DEFINITIONS = {
    "/// One.\n///\n/// Two.\n#[inline]\npub fn f<T>(\n    a: T,\n) -> u8\nwhere\n    T: Copy,\n{\n    1\n}": (
        "/// One.\npub fn f<T>(a: T) -> u8 where T: Copy;"
    ),
    "#[derive(Clone)]\n#[serde(transparent)]\npub struct A<T>(pub T, u8) where T: Copy;": (
        "#[derive(Clone)]\npub struct A<T>(pub T, /* private fields */) where T: Copy;"
    ),
    "pub struct B;": "pub struct B;",
    "pub struct C {}": "pub struct C {}",
    "pub struct D {\n    /// A\n    ///\n    /// B\n    #[x]\n    pub a: A,\n    pub(super) b: A,\n    pub c: A,\n}": (
        "pub struct D {\n    /// A\n    pub a: A,\n    pub c: A,\n    /* private fields */\n}"
    ),
    "pub union U { pub a: u8, b: f32 }": "pub union U {\n    pub a: u8,\n    /* private fields */\n}",
    '#[non_exhaustive]\npub enum E {\n    /// One.\n    ///\n    /// A.\n    One(u8),\n    #[error("")]\n    Two\n}': (
        "#[non_exhaustive]\npub enum E {\n    /// One.\n    One(u8),\n    Two\n}"
    ),
    "pub const MAX: usize = 1 << 3;": "pub const MAX: usize;",
    "pub static ALL: [u8; 2] = [1, 2];": "pub static ALL: [u8; 2];",
    "pub type R<T> = Result<T, Error>;": "pub type R<T> = Result<T, Error>;",
    "/// Is.\npub trait T: Sized { fn a(); }": "/// Is.\npub trait T: Sized",
    "macro_rules! m { ($a:expr) => { 1 }; (@in $b:tt) => { 2 }; ($($c:ident),*) => { 3 }; }": (
        "macro_rules! m {\n    ($a:expr) => { … };\n    ($($c:ident),*) => { … };\n}"
    ),
}


@pytest.mark.parametrize("text", DEFINITIONS)
def test_a_definition_as_its_users_see_it(text: str) -> None:
    found = slice_of(text.encode(), 0, len(text.encode()))
    assert found is not None
    assert definition(*found) == DEFINITIONS[text]


IMPL = """impl<T> Foo<T> {
    /// Makes one. Then it rests.
    ///
    /// # Errors
    pub fn new(
        a: u8, // why
        b: u8,
    ) -> Self { Self }
    pub const fn short(
        &self,
        b: u8,
    ) -> u8 { 1 }
    pub(crate) fn inner(&self) {}
    fn private(&self) {}
    #[doc(hidden)]
    pub fn hidden(&self) {}
    pub const ONE: u8 = 1;
    #[cfg(feature = "x")]
    pub unsafe fn raw(&self) {}
}"""


def test_the_members_of_an_impl_that_its_users_may_call() -> None:
    found = slice_of(IMPL.encode(), 0, len(IMPL))
    assert found is not None
    members = public_members(*found)
    assert [(one.name, one.cfgs) for one in members] == [
        ("new", ()),
        ("short", ()),
        ("ONE", ()),
        ("raw", ('feature = "x"',)),
    ]
    new, short = members[:2]
    # A comment in a signature ends at its line's end.
    assert new.signature.count("\n") == 3
    assert short.signature == "pub const fn short(&self, b: u8) -> u8;"
    assert outline("impl A", [new], docs="sentence").splitlines()[:2] == ["impl A {", "    /// Makes one."]
    assert "    /// Makes one. Then it rests." in outline("impl A", [new], docs="paragraph")
    assert outline("impl A", [short], docs="none", left_out=2) == (
        "impl A {\n    pub const fn short(&self, b: u8) -> u8;\n    // … and 2 more\n}"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("impl A for B { fn a() {} }", "impl A for B {}"),
        ("unsafe impl<\n    T,\n> A for B<T>\nwhere\n    T: C,\n{ type D = E; type F = G; }",
         "unsafe impl<T> A for B<T> where T: C { type D = E; type F = G; }"),
    ],
)  # fmt: skip
def test_an_impl_of_a_trait_in_one_line(text: str, expected: str) -> None:
    found = slice_of(text.encode(), 0, len(text))
    assert found is not None
    assert implemented(*found) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pub struct A {\n    /* private fields */\n}", True),
        ("pub struct A(/* private fields */);", True),
        ("pub struct A {\n    pub a: u8,\n    /* private fields */\n}", False),
        ("pub struct A(pub u8, /* private fields */);", False),
        ("pub struct A;", False),
        ("pub enum A {\n    B,\n}", False),
    ],
)
def test_what_shows_nothing_but_a_name(text: str, expected: bool) -> None:
    assert is_opaque(text) is expected


@pytest.mark.parametrize("text", ["", "}", "impl", "pub struct {", "struct A(", "macro_rules! m", "\xff"])
def test_what_is_no_item_is_borne(text: str) -> None:
    found = slice_of(text.encode("latin-1"), 0, 99)
    if found is not None:
        definition(*found)
        public_members(*found)
