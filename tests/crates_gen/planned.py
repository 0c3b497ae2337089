"""One plan as a model would make it, and the bodies for its functions."""

from __future__ import annotations

PLAN = {
    "doc": "Shapes and their areas.\n\n```\nnot_a_doctest!();\n```",
    "modules": [
        {
            "name": "shapes",
            "doc": "The shapes.",
            "uses": ["use std::fmt;"],
            "items": [
                {
                    "kind": "definition",
                    "owner": "",
                    "code": "#[derive(Debug, Clone, PartialEq)]\npub struct Square {\n    pub side: u32,\n}",
                    "doc": "A square; `[sides]` <are> whole.",
                },
                {
                    "kind": "function",
                    "owner": "impl Square",
                    "code": "pub fn new(side: u32) -> Self;",
                    "doc": "Makes it.",
                },
                {
                    "kind": "function",
                    "owner": "impl fmt::Display for Square",
                    "code": "fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result",
                    "doc": "",
                },
                {"kind": "function", "owner": "impl  Square", "code": "pub fn area(&self) -> u64", "doc": "Its area."},
                {
                    "kind": "function",
                    "owner": "",
                    "code": "pub fn total(squares: &[Square]) -> u64",
                    "doc": "The area of all.",
                },
            ],
            "tests": [
                {"name": "area_is_side_squared", "code": "assert_eq!(Square::new(3).area(), 9);"},
                {"name": "nothing_has_no_area", "code": "assert_eq!(total(&[]), 0);"},
            ],
        },
        {
            "name": "report",
            "doc": "What is told of shapes.",
            "uses": ["use crate::shapes::Square"],
            "items": [
                {
                    "kind": "function",
                    "owner": "",
                    "code": "pub fn line<'a, I>(squares: I) -> String\nwhere\n    I: IntoIterator<Item = &'a Square>,",
                    "doc": "The squares in a line, separated by commas.",
                }
            ],
            "tests": [],
        },
    ],
}

BODIES = {
    "fn new(side: u32)": "Self { side }",
    "fn fmt(&self": 'write!(f, "{0}x{0}", self.side)',
    "fn area(&self": "u64::from(self.side).pow(2)",
    "fn total(": "squares.iter().map(Square::area).sum()",
    "fn line<": 'squares.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")',
    "fn run(": (
        "let _ = input;\nlet squares: Vec<_> = options.arguments.iter()"
        ".map(|side| side.parse().map(shapes::Square::new)).collect::<Result<_, _>>()?;\n"
        'writeln!(output, "{}", report::line(&squares))?;\nOk(())'
    ),
}
