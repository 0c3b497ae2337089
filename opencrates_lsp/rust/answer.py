"""The Rust in a model's answer: what is code, whether it is whole, and whether it leaves code out.

A part between `<think>` tags is no answer.
Code stands between fences (backticks or tildes, tagged `rust`, `rs` or not at all), or the answer is nothing but code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.lexer import Token, imbalance, lex
from opencrates_lsp.rust.syntax import parse

_REMEDY = "Answer with the whole item in one ```rust fence."
_RUST = frozenset({"rust", "rs"})
_TEXTS = frozenset({"markdown", "md"})
_OPENING = re.compile(r"^(?P<indent>\s*)(?:(?:[-*+]|\d+[.)])\s+)?(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_OPENING_IN_LINE = re.compile(r"^(?P<indent>\s*)\S.*?(?P<fence>`{3,})(?P<info>(?:rust|rs))\s*$")
_CLOSING_IN_LINE = re.compile(r"^(?P<code>[^/*]*[};)])[ \t]*(?P<fence>`{3,}|~{3,})\s*$")
_THOUGHT = re.compile(r"^\s*<(?P<tag>think|thinking|thought|reasoning)>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"^\s*</(?:think|thinking|thought|reasoning)>\s*$", re.IGNORECASE)
_TAG_LINE = re.compile(r"^\s*</?[A-Za-z][\w-]*>\s*$")
_INLINE = re.compile(r"^(`{1,3})(?!`)(?:(?:rust|rs) )?(?P<code>[^`\n]+)\1$")
_CODE_LINE = re.compile(
    r"""^\s*(?: pub(?:\s|\() | (?:async|const|unsafe|extern|default|safe)\s.*\b(?:fn|impl|trait|\{) | fn\s+\w
      | (?:struct|enum|union|trait|mod)\s+\w+\s*[<{(;:] | impl\b.*[{<] | use\s+[\w:{]+.*[;{,]\s*$ | \#!?\[ | //[/!]
      | let\s+\S.*[=;(] | (?:type|const|static)\s+\w.*[=;] | macro_rules! | return\b.*;
      | (?:match|if|for|while)\s.*\{\s*$
      | loop\s*\{ | [sS]elf(?:\.|::) | [\w:]+!?[(\[{].*[;)}\]]\s*$ | \{\s*$ )""",
    re.VERBOSE,
)
# "Sorry" is an expression too, but no code.
_WORD = re.compile(r"(?!None\b)[A-Z][a-z]+")
_CONTINUED = frozenset({",", "=", "->", "=>", "::", ".", "+", "-", "&", "|", "!", "#", ":", "<", "@", "^"})

_DOTS = re.compile(r"^[\s.…*\-\u2013\u2014<>\[\](){}#:]*(?:\.\.\.|…)[\s.…*\-\u2013\u2014<>\[\](){}#:]*$")
_WORD_OF_ELISION = re.compile(
    r"\b(?:existing|unchanged|rest|remain\w*|same|others?|previous|omitted|snip\w*|code|implementation|methods?|fields?"
    r"|variants?|functions?|members?|imports?|tests?|arms?|before|above|etc|here|as is|logic|body|elided|continue\w*)\b"
)
_NOUN = (
    r"(?:code|codes|function|functions|method|methods|impl|impls|implementation|implementations|file|module|items?"
    r"|members?|fields?|variants?|arms?|cases?|tests?|imports?|logic|struct|enum|trait|contents?|stuff|body|definitions?)"
)
_STAYS = (
    r"(?:(?:is|are|was|remains?|stays?|goes|go|left|kept|continues?)?\s*(?:exactly\s)?(?:unchanged|the\ssame"
    r"|as\s(?:is|before|it\swas|they\swere|above)|omitted|elided|here|not\sshown|untouched))"
)
_PHRASES = re.compile(
    rf"""^(?:
        (?:the\s|all\s)?(?:rest|remainder)\sof\s(?:the\s|this\s|your\s|its\s)?(?:\w+\s){{0,2}}{_NOUN}(?:\s{_STAYS})?
      | (?:the\s|all\s)?(?:rest|remainder)\s{_STAYS}
      | (?:the\s|all\s|your\s)?(?:existing|previous|original|unchanged|same)\s(?:\w+\s){{0,2}}{_NOUN}(?:\s{_STAYS})?
      | (?:the\s|all\s)?(?:other|remaining)\s(?:\w+\s){{0,2}}{_NOUN}\s{_STAYS}
      | (?:your\s|actual\s|real\s|the\s)?(?:{_NOUN})\s(?:goes\s)?here
      | (?:{_NOUN}\s)?(?:unchanged|omitted|elided|snip|snipped|remains\sunchanged|as\sbefore|same\sas\sbefore)
      | (?:unchanged|omitted|elided)\s(?:from|for|since|in|below|above|here|{_NOUN}).*
      | .*\b(?:omitted|elided|removed|skipped|shortened)\sfor\s(?:brevity|clarity|space)\b.*
    )$""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """One piece of code of an answer; `\\n` ends its lines.

    `closed` is False where the answer ends before the fence does.
    """

    text: str
    tag: str = ""
    fenced: bool = True
    closed: bool = True


def snippets(answer: str) -> tuple[Snippet, ...]:
    """The pieces of Rust in the answer, in reading order, none of them empty.

    Fences tagged as Rust go before those without a tag, and these before the bare text.
    Raises `Refused` where there is no code.
    """
    text = answer.encode("utf-8", "replace").decode("utf-8").removeprefix("\ufeff")
    text, thought = _without_thoughts(text.replace("\r\n", "\n").replace("\r", "\n"))
    fenced = _fenced(text)
    for tags in (_RUST, frozenset({""})):
        chosen = tuple(snippet for snippet in fenced if snippet.tag in tags and snippet.text.strip())
        if chosen:
            return chosen
    if not fenced and (bare := _bare(text)) is not None:
        return (bare,)
    if not text.strip():
        what = "ends before its thinking does" if thought else "is empty"
        raise Refused(f"The answer {what}.", remedy=_REMEDY)
    others = sorted({snippet.tag for snippet in fenced if snippet.tag and snippet.text.strip()})
    if others:
        raise Refused(f"The answer has no Rust code, only {', '.join(f'`{tag}`' for tag in others)}.", remedy=_REMEDY)
    raise Refused("The answer has no Rust code.", remedy=_REMEDY)


def check(snippet: Snippet, known: str) -> None:
    """Raises `Refused` for a piece that is cut off or leaves code out; a comment that `known` has too is no elision."""
    tokens = list(lex(snippet.text))
    _check_whole(snippet, tokens)
    left_out = elision(tokens, snippet.text, known)
    if left_out is not None:
        raise Refused(
            f"The answer leaves code out: `{left_out}`.", remedy="Write the item in full, without abbreviating."
        )


def elision(tokens: list[Token], text: str, known: str = "") -> str | None:
    """The first mark that stands for code left out; comments that stand in `known` too are none."""
    opened: list[str] = []
    for at, token in enumerate(tokens):
        if token.kind == "comment":
            if _stands_alone(tokens, at, text) and _is_elision(token.text) and token.text.strip() not in known:
                return " ".join(token.text.split())
        elif token.kind != "mark":
            continue
        elif token.text in ("...", "…"):
            if _is_left_out(tokens, at, opened):
                return token.text
        elif token.text in "([{":
            opened.append(token.text)
        elif token.text in ")]}" and opened:
            opened.pop()
    return None


def _check_whole(snippet: Snippet, tokens: list[Token]) -> None:
    open_end = imbalance(tokens)
    if open_end is not None:
        line = snippet.text.count("\n", 0, open_end.start) + 1
        if open_end.surplus:
            raise Refused(f"The answer has a `{open_end.what}` in line {line} that closes nothing.", remedy=_REMEDY)
        what = f"a {open_end.what}" if open_end.what.isalpha() else f"the `{open_end.what}`"
        raise Refused(f"The answer is cut off: {what} that begins in line {line} is never closed.", remedy=_REMEDY)
    rest = [token for token in tokens if token.kind != "comment"]
    if not rest:
        raise Refused("The answer has no Rust code, only comments.", remedy=_REMEDY)
    last = rest[-1]
    dangling = last.kind == "doc" and not last.text.startswith(("//!", "/*!"))
    if dangling or (last.kind == "mark" and last.text in _CONTINUED) or _ends_in_attribute(rest):
        end = " ".join(last.text.split())[:40]
        raise Refused(f"The answer is cut off: it ends with `{end}`.", remedy=_REMEDY)


def _ends_in_attribute(tokens: list[Token]) -> bool:
    if tokens[-1].text != "]":
        return False
    depth = 0
    for at in range(len(tokens) - 1, -1, -1):
        depth += {"]": 1, "[": -1}.get(tokens[at].text, 0)
        if depth == 0:
            return at > 0 and tokens[at - 1].text == "#"
    return False


def _is_elision(comment: str) -> bool:
    words = " ".join(comment.strip("/*").split()).lower()
    if _DOTS.match(words):
        return True
    dotted = re.search(r"^\W*(?:\.\.\.|…)", words) is not None and "," not in words and len(words.split()) <= 8
    if dotted and _WORD_OF_ELISION.search(words):
        return True
    plain = words.replace("…", "").strip(" .…-\u2013\u2014<>[](){}#:!*")
    return bool(plain) and _PHRASES.match(plain) is not None


def _stands_alone(tokens: list[Token], at: int, text: str) -> bool:
    """Whether the comment stands where code could, and is no remark on the code before it in the line."""
    comment = tokens[at]
    line = text.rfind("\n", 0, comment.start) + 1
    if at == 0 or tokens[at - 1].end <= line:
        return True
    return tokens[at - 1].text in ("{", "}") or (comment.text.startswith("/*") and tokens[at - 1].text in (",", ";"))


def _is_left_out(tokens: list[Token], at: int, opened: list[str]) -> bool:
    """Whether three dots stand where an item or a statement would, and are no `..` of a range, pattern or C's `...`."""
    if opened and opened[-1] != "{":
        return False
    before = next((token.text for token in reversed(tokens[:at]) if token.kind not in ("comment", "doc")), "{")
    return before in ("{", "}", ";", ",", "=>", "...", "…")


def _without_thoughts(text: str) -> tuple[str, bool]:
    """The text without its thinking, and whether it ended while thinking."""
    kept: list[str] = []
    fence = ""
    inside = ""
    for line in text.split("\n"):
        if inside:
            end = line.lower().find(f"</{inside}>")
            if end < 0:
                continue
            line = line[end + len(inside) + 3 :]
            inside = ""
        if _THOUGHT_END.match(line):
            # Some servers cut the opening tag off: all that came before was thought.
            kept, fence = [], ""
            continue
        opening = _THOUGHT.match(line) if not fence else None
        if opening is not None:
            inside = opening["tag"].lower()
            end = line.lower().find(f"</{inside}>")
            if end < 0:
                continue
            line = line[end + len(inside) + 3 :]
            inside = ""
        marks = _OPENING.match(line)
        if marks is not None:
            fence = "" if fence and marks["fence"].startswith(fence) else fence or marks["fence"]
        kept.append(line)
    return "\n".join(kept), bool(inside)


def _fenced(text: str) -> list[Snippet]:
    found: list[Snippet] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        opening = _OPENING.match(lines[at]) or _OPENING_IN_LINE.match(lines[at])
        at += 1
        if opening is None:
            continue
        inside, at, closed = _until_closed(lines, at, opening["fence"], len(opening["indent"]))
        tag = _tag(opening["info"])
        code = "\n".join(inside)
        if tag in _TEXTS:
            found += _fenced(code)
        else:
            found.append(Snippet(code + "\n", tag, closed=closed))
    return found


def _until_closed(lines: list[str], at: int, fence: str, indent: int) -> tuple[list[str], int, bool]:
    """The lines up to the closing fence, the line after it, and whether there is one."""
    inside: list[str] = []
    for number in range(at, len(lines)):
        line = lines[number]
        bare = line.strip()
        closing = bare.startswith(fence) and not bare.strip(fence[0])
        ending = _CLOSING_IN_LINE.match(line)
        if closing and not _in_literal(inside):
            return inside, number + 1, True
        if ending is not None and ending["fence"].startswith(fence):
            return [*inside, ending["code"]], number + 1, True
        blank = len(line) - len(line.lstrip())
        inside.append(line[min(indent, blank) :])
    return inside, len(lines), False


def _in_literal(lines: list[str]) -> bool:
    """Whether the code so far ends in a string or a block comment, where a fence is no end."""
    tokens = list(lex("\n".join(lines)))
    return bool(tokens) and not tokens[-1].closed


def _tag(info: str) -> str:
    """The language of a fence: "rust" of `rust,ignore`, `{.rust}` or `Rust title=…`."""
    match = re.match(r"[{.\s]*([\w+#-]*)", info)
    return match[1].lower() if match is not None else ""


def _bare(text: str) -> Snippet | None:
    """The code of an answer without fences: all of it, or its part from the first line of code to the last."""
    stripped = text.strip()
    inline = _INLINE.match(stripped)
    if inline is not None:
        return Snippet(inline["code"].strip() + "\n", fenced=False)
    lines = [line for line in text.split("\n") if not _TAG_LINE.match(line)]
    whole = "\n".join(lines)
    if whole.strip() and parses(whole) and not _WORD.fullmatch(whole.strip()):
        return Snippet(whole, fenced=False)
    first = next((at for at, line in enumerate(lines) if _CODE_LINE.match(line)), None)
    if first is None:
        return None
    last = max(at for at, line in enumerate(lines) if at == first or _is_end(line))
    part = lines[first : last + 1] if last >= first else lines[first:]
    if not parses("\n".join(part)) and imbalance(list(lex("\n".join(lines[first:])))) is not None:
        part = lines[first:]
    return Snippet("\n".join(part) + "\n", fenced=False)


def _is_end(line: str) -> bool:
    return line.rstrip().endswith(("}", ";", "],", ")"))


def parses(code: str) -> bool:
    """Whether the code is items or the body of a function, as far as the grammar knows."""
    encoded = code.encode()
    if not parse(encoded).tree.root_node.has_error:
        return True
    return not parse(b"fn body() {\n" + encoded + b"\n}\n").tree.root_node.has_error
