"""How much one assertion claims: `assert_eq!(f(), 2)` more than `assert!(f() > 0)`, and `assert!(true)` nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from opencrates_lsp.rust.lexer import Token

COMPARED = 16
"""The strength of an equality."""
BOUNDED = 10
"""The strength of a comparison, a pattern, or an equality within a tolerance."""
PREDICATE = 6
"""The strength of what a function or variable says, and of an inequality."""
EITHER = 3
"""The strength of an alternative, and of a call that is compared with itself."""
REFUSAL = 1
"""The strength of what only must not be come to, or must not fail."""

_BOOLEAN = re.compile(r"(?:prop_)?assert|(?:prop_)?assume|ensure")
_NAMED = re.compile(r"(?:let_)?(?:check|verify|require)\w*")
_NEAR = re.compile(r"relative|approx|abs_diff|ulps|delta|close|near|float")
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_LITERALS = frozenset({"true", "false"})
# Methods behind which two values are as different as before.
_NO_LOSS = frozenset({"unwrap", "clone", "to_string", "to_owned", "to_vec", "as_str", "as_slice", "iter", "into_iter"})

_WIPING = frozenset({("&", "0"), ("*", "0"), ("%", "1")})

Value = Callable[[str], Sequence[Token]]


def macro_strengths(name: str, arguments: Sequence[Token], value: Value) -> list[int] | None:
    """What a call of the macro claims, one strength for each claim; None for a macro that asserts nothing.

    `arguments` are the tokens between its brackets, `value` tells what a variable is bound to.
    """
    plain = name.removeprefix("debug_")
    # Without `debug_assertions` it is no check at all.
    less = 1 if plain != name else 0
    parts = list(split(arguments, (",",)))
    if plain.endswith("_eq") and plain.startswith(("assert", "prop_assert")):
        strength = _equality(parts, value) if not _NEAR.search(plain) else BOUNDED
        return [max(strength - less, 0)]
    if plain.endswith("_ne") and plain.startswith(("assert", "prop_assert")):
        return [0 if len(parts) > 1 and _is_literal(parts[0]) and _is_literal(parts[1]) else PREDICATE - less]
    if plain == "assert_matches":
        return [_matched(parts) - less]
    if _BOOLEAN.fullmatch(plain):
        return [max(one - less, 0) for one in claims(parts[0], value)] if parts else [PREDICATE]
    if _NAMED.fullmatch(plain):
        return [PREDICATE]
    if plain.startswith("assert") or plain.endswith("_assert"):
        return [BOUNDED - less if "snapshot" in plain else PREDICATE - less]
    return None


def claims(expression: Sequence[Token], value: Value) -> list[int]:
    """The strengths of what a boolean expression claims, one for each part of a conjunction."""
    expression = _bare(expression)
    alternatives = list(split(expression, ("|", "|")))
    if len(alternatives) > 1:
        return [_either(alternatives)]
    both = list(split(expression, ("&", "&")))
    if len(both) > 1:
        return [one for part in both for one in claims(part, value)]
    return [_claim(expression, value)]


def _claim(expression: Sequence[Token], value: Value) -> int:
    texts = [token.text for token in expression]
    if texts == ["false"] or texts == ["!", "true"]:
        return REFUSAL
    if _is_literal(expression):
        return 0
    if texts[:3] in (["matches", "!", "("], ["matches", "!", "["], ["matches", "!", "{"]):
        return _matched(list(split(expression[3:-1], (",",))))
    sides = list(split(expression, ("=", "=")))
    if len(sides) == 2:
        return _equality(sides, value)
    if len(list(split(expression, ("!", "=")))) == 2:
        return PREDICATE
    sides = _ordered(expression)
    if len(sides) == 2:
        above = [token.text for token in sides[1]]
        # Nothing without a sign is below zero, and no length.
        return 0 if above == ["=", "0"] and ">" in texts else BOUNDED
    return PREDICATE


def _ordered(expression: Sequence[Token]) -> list[Sequence[Token]]:
    """The sides of a comparison; what follows `::` or a shift is none."""
    depth = 0
    for at, token in enumerate(expression):
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0 and token.text in ("<", ">") and at and expression[at - 1].text not in ("::", "<", ">"):
            generic = token.text == ">" and any(one.text == "<" for one in expression[:at])
            if not generic and (at + 1 >= len(expression) or expression[at + 1].text not in ("<", ">")):
                return [expression[:at], expression[at + 1 :]]
    return []


def _equality(sides: Sequence[Sequence[Token]], value: Value) -> int:
    if len(sides) < 2:
        return COMPARED
    one, other = ([token.text for token in _bare(side)] for side in sides[:2])
    if one == other:
        # A call that gives the same twice says a little.
        return EITHER if "(" in one else 0
    if _is_literal(sides[0]) and _is_literal(sides[1]):
        return 0
    if _resolved(one, value) == _resolved(other, value):
        return EITHER
    if any(_is_wiped(side) for side in (one, other)):
        return EITHER
    if len(one) > 2 and one[-2:] == other[-2:] and one[-2] == "as":
        return BOUNDED
    # `a.len() == b.len()` says less than `a == b`.
    alike = len(one) > 4 and one[-4:] == other[-4:] and one[-4] == "." and one[-2:] == ["(", ")"]
    return BOUNDED if alike and one[-3] not in _NO_LOSS else COMPARED


def _is_wiped(side: list[str]) -> bool:
    """Whether nothing is left of the value: `x & 0`, `x * 0`, `x % 1`."""
    return any((mark, number) in _WIPING for mark, number in pairwise(side))


def _resolved(side: list[str], value: Value) -> list[str]:
    """The side itself, or what its variable is bound to."""
    bound = [token.text for token in value(side[0])] if len(side) == 1 else []
    return bound or side


def _matched(parts: Sequence[Sequence[Token]]) -> int:
    """The strength of a pattern: `_` takes everything, `Ok(_)` says which, `Ok(3)` says what."""
    if len(parts) < 2:
        return PREDICATE
    pattern = [token.text for token in parts[1]]
    if pattern == ["_"] or pattern[-2:] == ["|", "_"]:
        return 0
    inner = [text for text in pattern if text not in ("_", "(", ")", "..", "{", "}", "::", ",")]
    return (
        BOUNDED
        if len(inner) > 2 or "if" in pattern or any(text[0].isdigit() or text[0] in "\"'" for text in inner)
        else PREDICATE
    )


def _either(alternatives: Sequence[Sequence[Token]]) -> int:
    texts = [[token.text for token in _bare(part)] for part in alternatives]
    if ["true"] in texts or any(["!", *one] in texts or ["!", "(", *one, ")"] in texts for one in texts):
        return 0
    opposite = {("is_ok", "is_err"), ("is_some", "is_none"), ("is_err", "is_ok"), ("is_none", "is_some")}
    for one in texts:
        for other in texts:
            if one[:-3] == other[:-3] and len(one) > 3 and (one[-3], other[-3]) in opposite:
                return 0
    return EITHER


def _is_literal(expression: Sequence[Token]) -> bool:
    """Whether the value is written out: numbers, texts, `true`, and arrays, tuples or references of them."""
    return bool(expression) and all(
        token.kind in ("string", "char") or token.text in _LITERALS or token.text[0].isdigit() or token.kind == "mark"
        for token in expression
    )


def _bare(expression: Sequence[Token]) -> Sequence[Token]:
    """The expression without brackets around all of it."""
    while len(expression) > 2 and expression[0].text == "(" and expression[-1].text == ")":
        depth = 0
        for at, token in enumerate(expression):
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if depth == 0 and at < len(expression) - 1:
                return expression
        expression = expression[1:-1]
    return expression


def split(tokens: Sequence[Token], mark: Sequence[str]) -> Iterator[Sequence[Token]]:
    """The parts between the marks (one or two tokens side by side) that stand in no brackets."""
    depth, start, at = 0, 0, 0
    while at < len(tokens):
        depth += (tokens[at].text in _OPENING) - (tokens[at].text in _CLOSING)
        here = tokens[at : at + len(mark)]
        together = len(mark) == 1 or (len(here) == 2 and here[0].end == here[1].start)
        if depth == 0 and together and [token.text for token in here] == list(mark) and not _is_part(tokens, at, mark):
            yield tokens[start:at]
            at += len(mark)
            start = at
        else:
            at += 1
    if start < len(tokens):
        yield tokens[start:]


def _is_part(tokens: Sequence[Token], at: int, mark: Sequence[str]) -> bool:
    """Whether the two tokens belong to a longer operator, such as the `==` in `<==`."""
    return (
        len(mark) == 2
        and at > 0
        and tokens[at - 1].text in ("<", ">", "!", "=")
        and tokens[at - 1].end == tokens[at].start
    )
