"""What is known of the other files of a workspace, and which files are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from opencrates_lsp.workspace import index as indexing
from opencrates_lsp.workspace.index import Index
from opencrates_lsp.workspace.reading import read_index

SHAPES = b"""
/// A circle.
#[derive(Debug, Clone)]
pub struct Circle {
    radius: f64,
}

impl Circle {
    /// Makes one.
    pub fn new(radius: f64) -> Self {
        helper(radius);
        Self { radius }
    }
}

impl crate::Area for Circle {
    fn area(&self) -> f64 {
        3.0 * self.radius * self.radius
    }
}

fn helper(radius: f64) {
    struct Local;
    // struct Commented { x: u8 }
    let text = "struct Quoted { x: u8 }";
}

#[cfg(test)]
mod tests {
    struct OnlyInTests;
}
"""
AREA = b"pub trait Area {\n    fn area(&self) -> f64 {\n        0.0\n    }\n}\npub type Scale = f64;\n"
MAIN = Path("/w/app/src/main.rs")
SHAPES_AT = Path("/w/shapes/src/lib.rs")


def filled(**texts: bytes) -> Index:
    index = Index()
    index.update(SHAPES_AT, SHAPES)
    index.update(Path("/w/shapes/src/area.rs"), AREA)
    index.update(MAIN, b"struct Circle;\nfn main() {}\n")
    for name, text in texts.items():
        index.update(Path("/w") / name / "lib.rs", text)
    return index


def test_types_are_shown_with_their_definition_and_the_outlines_of_their_impls() -> None:
    assert filled().related(["Circle", "Area", "Scale", "Nothing"], MAIN) == {
        "Circle": (
            "/// A circle.\n#[derive(Debug, Clone)]\npub struct Circle {\n    radius: f64,\n}",
            "impl Circle {\n    pub fn new(radius: f64) -> Self;\n}",
            "impl crate::Area for Circle {\n    fn area(&self) -> f64;\n}",
        ),
        "Area": ("pub trait Area {\n    fn area(&self) -> f64;\n}",),
        "Scale": ("pub type Scale = f64;",),
    }


@pytest.mark.parametrize("name", ["Local", "OnlyInTests", "Commented", "Quoted", "Self", "", "f64", "struct"])
def test_what_no_other_file_can_use_is_not_shown(name: str) -> None:
    assert filled().related([name], MAIN) == {}


def test_an_impl_in_a_third_file_counts_and_definitions_come_first_and_near_ones_before_far_ones() -> None:
    index = filled(app=b"impl Default for Circle { fn default() -> Self { Circle } }", zoo=b"pub struct Circle(u8);")
    found = index.related(["Circle"], Path("/w/zoo/x.rs"))["Circle"]
    assert [text.splitlines()[0] for text in found] == [
        "pub struct Circle(u8);",
        "struct Circle;",
        "/// A circle.",
        "impl Default for Circle {",
        "impl Circle {",
        "impl crate::Area for Circle {",
    ]


def test_a_change_shows_in_the_next_answer() -> None:
    index = filled()
    assert index.related(["Circle"], MAIN)["Circle"][0].startswith("/// A circle.")
    index.update(SHAPES_AT, b"pub struct Disc;")
    assert index.related(["Circle", "Disc"], MAIN) == {"Disc": ("pub struct Disc;",)}
    index.update(SHAPES_AT, None)
    index.update(SHAPES_AT, b"pub struct Circle;")
    assert index.related(["Circle"], MAIN) == {"Circle": ("pub struct Circle;",)}
    index.update(SHAPES_AT, None)
    assert index.related(["Circle"], MAIN) == {}
    assert len(index) == 2


def test_the_file_that_is_asked_from_is_taken_in_when_another_one_asks() -> None:
    index = filled()
    index.update(MAIN, b"pub struct Main;")
    assert index.related(["Main", "Circle"], MAIN)["Circle"]
    assert index.related(["Main"], SHAPES_AT) == {"Main": ("pub struct Main;",)}


def test_callers_are_shown_whole_and_tests_first() -> None:
    index = filled(
        lib=b"fn plain() { shapes::helper(1.0); }\nfn draws(c: &Circle) { c.area(); }\nfn other() { x.area(); }",
        tests=b"#[test]\nfn makes() { let c = Circle::new(1.0); }\n#[test]\nfn turbo() { helper::<f64>(2.0); }",
    )
    assert index.callers("helper", "", SHAPES_AT) == (
        "#[test]\nfn turbo() { helper::<f64>(2.0); }",
        "fn plain() { shapes::helper(1.0); }",
    )
    assert index.callers("helper", "", SHAPES_AT, limit=1) == ("#[test]\nfn turbo() { helper::<f64>(2.0); }",)
    assert index.callers("new", "Circle", SHAPES_AT) == ("#[test]\nfn makes() { let c = Circle::new(1.0); }",)
    assert index.callers("area", "Circle", SHAPES_AT) == ("fn draws(c: &Circle) { c.area(); }",)
    assert len(index.callers("helper", "", MAIN)) == 3
    assert index.callers("nobody", "", MAIN) == ()


def test_what_is_read_of_a_folder(tmp_path: Path) -> None:
    texts = {
        "src/lib.rs": "pub struct Lib;",
        "member/src/deep/mod.rs": "pub struct Deep;",
        "target/debug/build/out.rs": "pub struct Built;",
        ".hidden/a.rs": "pub struct Hidden;",
        "src/note.txt": "pub struct Text;",
        "src/huge.rs": "pub struct Huge;" + "\n" * indexing.MOST_BYTES,
        "src/binary.rs": "pub struct Odd;\udcff\udcfe",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "target" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (tmp_path / "CACHEDIR.TAG").write_text("of the whole, which is asked for all the same")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "src" / "gone.rs").symlink_to(tmp_path / "nowhere.rs")
    index = read_index(tmp_path)
    names = ["Lib", "Deep", "Built", "Hidden", "Text", "Huge", "Odd"]
    assert index.related(names, tmp_path / "x.rs").keys() == {"Lib", "Deep", "Odd"}
    assert len(index) == 3


def test_a_folder_that_is_not_there_is_an_empty_index(tmp_path: Path) -> None:
    assert len(read_index(tmp_path / "nowhere")) == 0
