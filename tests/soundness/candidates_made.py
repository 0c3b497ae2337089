"""Candidates for the gate of `test_soundness.py`: half of them right, half wrong by construction.

The workspace has every place in which rustc is known to keep silent about a wrong body.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

_PACKAGE = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'

FILES: Mapping[str, str] = {
    "Cargo.toml": '[workspace]\nmembers = ["base", "middle", "top"]\nresolver = "2"\n',
    "base/Cargo.toml": _PACKAGE.format(name="base") + "[features]\nextra = []\n",
    "base/src/lib.rs": (
        'pub mod text;\n#[cfg(feature = "extra")]\npub mod extra;\n#[cfg(windows)]\npub mod windows;\n\n'
        "/// The number within 0 to 9.\npub fn digit(number: u32) -> u32 {\n    number % 10\n}\n\n"
        "#[allow(unused_macros)]\nmacro_rules! never_used {\n    () => {\n        fn made() -> u32 {\n"
        "            1\n        }\n    };\n}\n\n"
        "#[cfg(test)]\nmod tests {\n    fn sample(number: u32) -> u32 {\n        super::digit(number)\n    }\n\n"
        "    #[test]\n    fn a_digit_is_small() {\n        assert!(sample(12) < 10);\n    }\n}\n"
    ),
    "base/src/text.rs": (
        "/// Words in a row.\n#[derive(Debug, Clone, Default)]\npub struct Words {\n"
        "    pub(crate) all: Vec<String>,\n}\n\n"
        "pub trait Count {\n    fn count(&self) -> u32;\n}\n\n"
        "impl Count for Words {\n    fn count(&self) -> u32 {\n        self.all.len() as u32\n    }\n}\n\n"
        "impl Words {\n    pub fn first<'a>(&'a self, other: &'a str) -> &'a str {\n"
        "        self.all.first().map_or(other, |word| word.as_str())\n    }\n}\n"
    ),
    "base/src/extra.rs": "pub fn extra(number: u32) -> u32 {\n    crate::digit(number)\n}\n",
    "base/src/windows.rs": "pub fn elsewhere(number: u32) -> u32 {\n    number\n}\n",
    "base/src/lost.rs": "pub fn lost(number: u32) -> u32 {\n    number\n}\n",
    "base/tests/outside.rs": (
        "fn outside(number: u32) -> u32 {\n    base::digit(number)\n}\n\n"
        "#[test]\nfn it_is() {\n    assert_eq!(outside(12), 2);\n}\n"
    ),
    "middle/Cargo.toml": _PACKAGE.format(name="middle") + '[dependencies]\nbase = { path = "../base" }\n',
    "middle/src/lib.rs": (
        "use base::text::{Count, Words};\n\npub fn twice(words: &Words, number: u32) -> u32 {\n"
        "    words.count() * 2 + number\n}\n"
    ),
    "middle/examples/show.rs": (
        "fn shown(number: u32) -> u32 {\n    middle::twice(&Default::default(), number)\n}\n\n"
        'fn main() {\n    println!("{}", shown(3));\n}\n'
    ),
    "top/Cargo.toml": _PACKAGE.format(name="top")
    + '[dependencies]\nbase = { path = "../base" }\nmiddle = { path = "../middle" }\n',
    "top/src/main.rs": (
        "fn line(number: u32) -> u32 {\n    middle::twice(&base::text::Words::default(), number)\n}\n\n"
        'fn main() {\n    println!("{}", line(7));\n}\n'
    ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """An item, the values that its body can end in, and whether rustc can be brought to look at it."""

    file: str
    item: str
    tails: tuple[str, ...]
    seen: bool = True


_NUMBER = ("number", "number.wrapping_mul(3)", "if number > 5 { 5 } else { number }", "[number, 1].iter().sum()")

PLACES = (
    Place("base/src/lib.rs", "digit", ("number % 10", "number.min(9)", "match number { 0 => 0, _ => 1 }")),
    Place("base/src/text.rs", "count", ("self.all.len() as u32", "self.all.iter().map(|_| 1).sum()", "0")),
    Place("base/src/text.rs", "first", ("other", "self.all.last().map_or(other, |word| word)")),
    Place("middle/src/lib.rs", "twice", ("words.count() + number", "base::digit(number)", "words.clone().count()")),
    Place("top/src/main.rs", "line", _NUMBER),
    Place("base/src/extra.rs", "extra", _NUMBER),  # A feature that is off by default.
    Place("base/src/lib.rs", "sample", _NUMBER),  # Behind #[cfg(test)].
    Place("base/tests/outside.rs", "outside", _NUMBER),
    Place("middle/examples/show.rs", "shown", _NUMBER),
    Place("base/src/windows.rs", "elsewhere", _NUMBER, seen=False),
    Place("base/src/lib.rs", "never_used", ("1", "2"), seen=False),
    Place("base/src/lost.rs", "lost", _NUMBER, seen=False),
)

# Statements that rustc rejects, wherever they stand; each for a reason of its own.
WRONG = (
    "let _wrong: () = 1u8;",
    "let _wrong = no_such_name;",
    "let gone = String::new(); drop(gone); drop(gone);",
    "let mut list = vec![1]; let one = &list[0]; list.push(2); let _wrong = *one;",
    "let mut list = vec![1]; let one = &mut list; let two = &mut list; one.push(1); two.push(2);",
    "let kept; { let short = 1; kept = &short; } let _wrong = *kept;",
    "let text = String::new(); let one = &text; drop(text); let _wrong = one.len();",
    "().no_such_method();",
    "for _wrong in () {}",
    "fn two(_: u8, _: u8) {} two(1);",
    "match Some(1) { None => {} }",
    "let fixed = 1; fixed = 2; let _wrong = fixed;",
    'fn longest(one: &str, two: &str) -> &str { one } let _wrong = longest("", "");',
    "let _wrong = std::collections::NoSuchType::new();",
    "let number_of = String::new; let _wrong = number_of + 1;",
    "let text = String::new(); let _wrong = std::thread::spawn(|| text.len());",
    "let _wrong = &mut *(&1u8);",
    "struct Hidden; let _wrong = Hidden == Hidden;",
)
HARMLESS = (
    "let _fine = 1u8;",
    'let text = String::from("fine"); drop(text);',
    "let mut list = vec![1]; list.push(2); let _fine = list.len();",
    "fn two(one: u8, _: u8) -> u8 { one } let _fine = two(1, 2);",
    "match Some(1) { None => {} Some(_) => {} }",
    "// nothing but words",
)

State = Literal["as it is", "syntax error in another module", "dependency broken", "type error elsewhere"]

# Another text of one file, as somebody has it in an open buffer.
BROKEN: Mapping[State, tuple[str, str]] = {
    "syntax error in another module": ("base/src/text.rs", "pub fn half( -> {\n"),
    "dependency broken": ("base/src/text.rs", 'pub fn half() -> u32 {\n    "half"\n}\n'),
    "type error elsewhere": ("base/src/extra.rs", 'pub fn half() -> u32 {\n    "half"\n}\n'),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A body for a place, in a state of the workspace; `passes` is what is true of it, None where either may be."""

    number: int
    place: Place
    body: str
    wrong: bool
    state: State
    passes: bool | None


def candidates(count: int, seed: int) -> list[Candidate]:
    """So many candidates in random order, every second one wrong; each place and each state is among them."""
    chance = random.Random(seed)
    made = [_candidate(number, chance) for number in range(count)]
    chance.shuffle(made)
    return made


def _candidate(number: int, chance: random.Random) -> Candidate:
    place = PLACES[number // 2 % len(PLACES)]
    wrong = number % 2 == 1
    states: tuple[State, ...] = ("as it is",)
    if place.file.startswith("base/src/lib") and place.seen:
        states = ("as it is", "as it is", "syntax error in another module")
    elif place.file.startswith(("middle", "top")):
        states = ("as it is", "as it is", "dependency broken", "syntax error in another module")
    elif place.item == "count":
        states = ("as it is", "type error elsewhere")
    state = states[number // 2 // len(PLACES) % len(states)]
    body = _body(place, number, wrong, chance)
    passes: bool | None = place.seen and not wrong
    if state in ("syntax error in another module", "dependency broken"):
        passes = False
    if state == "type error elsewhere" and not wrong:
        passes = None
    return Candidate(number, place, body, wrong, state, passes)


def _body(place: Place, number: int, wrong: bool, chance: random.Random) -> str:
    lines = [chance.choice(HARMLESS) for _ in range(chance.randrange(3))] + [f"let _number = {number};"]
    if wrong:
        lines.insert(chance.randrange(len(lines) + 1), WRONG[number // 2 % len(WRONG)])
    inner = "".join(f"    {line}\n" for line in (*lines, chance.choice(place.tails)))
    if place.item == "never_used":
        return "{\n    () => {\n        fn made() -> u32 {\n" + inner + "        }\n    };\n}"
    return "{\n" + inner + "}"


def chunks(made: list[Candidate], size: int) -> Iterator[list[Candidate]]:
    for start in range(0, len(made), size):
        yield made[start : start + size]
