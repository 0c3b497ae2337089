"""Asking again: what helps with each error is in the prompt, the first context is not, and hopeless rounds end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from filling import fenced, filling

NOISE = "".join(
    f"\n/// The noise of {n}, which no repair is told.\npub fn noisy_neighbour_{n}(x: u{8 << n % 3}) -> bool {{\n"
    f"    x == {n}\n}}\n"
    for n in range(12)
)
SHAPES = """\
/// A point.
#[derive(Debug)]
pub struct Point {
    pub across: i64,
}

impl Point {
    pub fn length(&self) -> i64 {
        self.across
    }

    pub fn origin() -> Self {
        Point { across: 0 }
    }
}

pub enum Kind {
    Round,
    Flat,
}

pub struct Square;

pub trait Sided {
    fn sides(&self) -> u32;
}

impl Sided for Square {
    fn sides(&self) -> u32 {
        4
    }
}

pub fn counted<S: Sided>(shape: S) -> u32 {
    shape.sides()
}

pub fn consumed(point: Point) -> i64 {
    point.across
}
"""


@dataclass(frozen=True)
class Case:
    """A function, its wrong and its right answer, and what the repair is told."""

    signature: str
    wrong: str
    right: str
    told: tuple[str, ...]
    before: str = ""
    left_out: tuple[str, ...] = ()

    def answer(self, body: str) -> str:
        uses, _, rest = body.rpartition("\n---\n")
        return fenced(f"{uses}\n{self.signature} {{\n    {rest}\n}}")


CASES: dict[str, Case] = {
    "E0599": Case(
        "pub fn asked(p: &Point) -> i64",
        "p.lenght() + p.measured_twice()",
        "p.length()",
        (
            "no method named `lenght`",
            "pub fn length(&self) -> i64;",
            "Spelled like `lenght` and really there: `length`",
        ),
        left_out=("Sided",),
    ),
    "E0308": Case(
        "pub fn asked(p: Point) -> Kind",
        "p",
        "let _ = p;\n    Kind::Round",
        ("expected `Kind`, found `Point`", "pub enum Kind {\n    Round,\n    Flat,\n}", "pub across: i64"),
        left_out=("Sided",),
    ),
    "E0277": Case(
        "pub fn asked(p: Point) -> u32",
        "counted(p)",
        "let _ = p;\n    counted(Square)",
        (
            "the trait bound `Point: Sided` is not satisfied",
            "pub trait Sided {\n    fn sides(&self) -> u32;\n}",
            "`Sided` is implemented here for `Square`",
            "pub fn counted<S: Sided>(shape: S) -> u32;",
        ),
        left_out=("Flat",),
    ),
    "E0382": Case(
        "pub fn asked(p: Point) -> i64",
        "let q = consumed(p);\n    q + p.across",
        "let across = p.across;\n    consumed(p) + across",
        ("value moved here", "pub fn consumed(point: Point) -> i64;", "pub struct Point {", "clone it before"),
        left_out=("Sided", "fn length"),
    ),
    "E0502": Case(
        "pub fn asked(points: &mut Vec<Point>) -> i64",
        "let first = &points[0];\n    stretched(points);\n    first.across",
        "let first = points[0].across;\n    stretched(points);\n    first",
        ("immutable borrow occurs here", "pub fn stretched(points: &mut [Point]);", "End the first borrow"),
        before="\npub fn stretched(points: &mut [Point]) {\n    points.reverse();\n}\n",
        left_out=("Sided",),
    ),
    "E0505": Case(
        "pub fn asked(p: Point) -> i64",
        "let r = &p;\n    let s = consumed(p);\n    r.across + s",
        "let r = p.across;\n    r + consumed(p)",
        ("move out of `p` occurs here", "pub fn consumed(point: Point) -> i64;", "before the value is moved"),
        left_out=("Sided",),
    ),
    "E0106": Case(
        "pub fn asked<'a>(a: &'a str, b: &'a str) -> usize",
        "longer(a, b).len()\n}\n\nfn longer(a: &str, b: &str) -> &str {\n    if a.len() > b.len() { a } else { b }",
        "a.len().max(b.len())",
        (
            "missing lifetime specifier",
            "In scope of `fn longer(a: &str, b: &str) -> &str`: `'static`",
            "name it on both",
        ),
        left_out=("Point", "Sided"),
    ),
    "E0433": Case(
        "pub fn asked(n: i64) -> i64",
        "Pint { across: n }.length() + Pint::origin().length()",
        "Point { across: n }.length()",
        ("`Pint`", "Use the names that are there"),
        left_out=("noisy",),
    ),
    "E0433 in a module": Case(
        "pub fn asked(n: i64) -> i64",
        "parts::deep::Gage::new(n).level()",
        "parts::deep::Gauge::new(n).level()",
        ("`Gage`", "// What `parts::deep` has (src/parts.rs):\npub struct Gauge;", "really there: `Gauge`"),
        left_out=("fn hidden", "struct Secret"),
    ),
    "E0432": Case(
        "pub fn asked(n: i64) -> i64",
        "use crate::parts::{beside, Gaug};\n---\nbeside(Gaug::new(n))",
        "parts::beside(&parts::deep::Gauge::new(n))",
        ("unresolved import `crate::parts::Gaug`", "pub mod deep;", "pub fn beside(gauge: &deep::Gauge) -> i64;"),
        left_out=("struct Secret",),
    ),
}
PARTS = """\
pub mod deep {
    pub struct Gauge(i64);

    impl Gauge {
        pub fn new(level: i64) -> Self {
            Gauge(level)
        }

        pub fn level(&self) -> i64 {
            self.0
        }
    }

    struct Secret;
}

pub fn beside(gauge: &deep::Gauge) -> i64 {
    gauge.level()
}

fn hidden() {}
"""


@pytest.mark.parametrize("code", CASES)
async def test_a_repair_is_told_what_helps_and_not_the_whole_again(code: str, tmp_path: Path) -> None:
    case = CASES[code]
    hole = f'/// What is asked for.\n{case.signature} {{\n    todo!("as it should be")\n}}\n'
    lib = f"mod parts;\n{SHAPES}{case.before}{NOISE}\n{hole}"
    async with filling(
        tmp_path, {"src/lib.rs": lib, "src/parts.rs": PARTS}, [case.answer(case.wrong), case.answer(case.right)]
    ) as crate:
        change = await crate.fill()
        first, second = crate.prompts
    assert code[:5] in {one.code for one in crate.verdicts[0].new_errors}, crate.verdicts[0].new_errors
    assert change.verdict.passed
    assert change.verdict.attempts == 2
    for words in (*case.told, "as it should be", "/// What is asked for.", case.wrong.splitlines()[-1]):
        assert words in second, second
    assert "noisy_neighbour_3" in first
    for words in ("noisy_neighbour", *case.left_out):
        assert words not in second, second
    # The system's words, and one of the user's: the first question is not sent along.
    assert [message["role"] for message in crate.server.requests[1].body["messages"]] == ["system", "user"]
