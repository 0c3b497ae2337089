"""Secrets that have no format of their own and are told by what stands before them: a name, a header, a URL.

Ordinary Rust is full of `token`, `key` and `secret`, so a name alone is not enough: the value must look like a secret
too, and words, paths and placeholders do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from opencrates_lsp.redaction.formats import Rule, entropy, is_random

_NAMES = ("passw", "passphrase", "pwd")
_NAMED = r"(?:passw(?:or)?d|passphrase|pwd)"
_SECRET_WORDS = ("secret", "key", "token", "credential", "bearer")
# A key alone may be that of a map.
_BEFORE_KEY = "".join(
    f"|(?<={before}{joint})"
    for before in ("api", "access", "private", "auth", "signing", "encryption", "master", "secret")
    for joint in ("", "_", "-", " ")
)
_SECRET = rf"(?:secret|token|credential|bearer|(?:{_BEFORE_KEY[1:]})key)"
# From the name to the literal: a type, an equals sign, a call or two, over one line's end at most.
_STEP = r"""(?:\[[\w&:<> ,;]{0,24}\]|'\w+(?!')|[^"';{}\n])"""
_BETWEEN = rf"""[\w-]{{0,24}}+["']?(?!::){_STEP}{{0,60}}+(?:\n{_STEP}{{0,40}}+)?"""
_WORDS = re.compile(r"[A-Za-z]+(?:[-_./:, ]+[A-Za-z]+)*[-_./:, !?]*")
_NUMBERED = re.compile(r"[A-Za-z]+(?:[-_./: ]+[A-Za-z]+)*[-_./: ]*\d{1,3}")
_PLACEHOLDER = re.compile(
    r"example|placeholder|change.?me|your|redacted|left.?out|dummy|xxxx|\*\*\*|\.\.\."
    r"|^\$|<[^>]*>|\$\{|\{\w*\}|%[sd]|\$[A-Z_]+$|^\w+://[^@]*$",
    re.IGNORECASE,
)
# What a password's hash looks like, as PHC strings and crypt have it.
_HASH = re.compile(r"\$\w+\$")
_PATH = re.compile(r"[\w.-]*/[\w./-]*\.[a-z]\w{0,5}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-][\d:]+)?")
_SYLLABLES = re.compile(r"[A-Z]?[a-z]{2,}")
_TRIVIAL = frozenset(
    re.findall(
        r"\w+",
        "password passwd pass pw pwd secret user username foo bar baz foobar test hunter token key x y z xxx none null",
    )
)


def is_password(value: str) -> bool:
    """Whether a value near the word "password" is one: no word, no path, no placeholder."""
    if _NUMBERED.fullmatch(value) and len(value) < 10:
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda one: not one.isalnum() and one not in "_-./:")
    mixed = sum(any(kind(one) for one in value) for kind in kinds)
    return mixed >= 2 and len(set(value)) >= 5 and _WORDS.fullmatch(value) is None and is_written_password(value)


def is_written_password(value: str) -> bool:
    """Whether a literal that is given to something named a password is one: words count here, placeholders do not."""
    lower = value.lower()
    return (
        lower not in _TRIVIAL
        and "passw" not in lower
        and "pwd" not in lower
        and "::" not in value
        and _PLACEHOLDER.search(value) is None
        and _HASH.match(value) is None
    )


def is_key(value: str) -> bool:
    """Whether a value behind a word such as "token" is a key: long, and made by a machine."""
    return (
        is_random(value)
        and _PLACEHOLDER.search(value) is None
        and _PATH.fullmatch(value) is None
        and _TIME.fullmatch(value) is None
        and not _is_name(value)
    )


def is_in_url(value: str) -> bool:
    """Whether what stands where a URL has its password is one."""
    return value.lower() not in _TRIVIAL and not _PLACEHOLDER.search(value) and len(value) > 2


def is_setting(value: str) -> bool:
    """Whether a value of an environment file, under a name such as API_KEY, is a secret."""
    if _PLACEHOLDER.search(value) or value.lower() in _TRIVIAL or _WORDS.fullmatch(value):
        return False
    return re.fullmatch(r"(?:0x)?[\d_.]+(?:[iuf]\d+)?", value) is None and entropy(value) >= 2.0


def _is_name(value: str) -> bool:
    """Whether it reads like an identifier or a path made of words, as `x86_64-unknown-linux` or `FormatV3Inner`."""
    letters = [part for part in re.split(r"[-_./:]", value) if part]
    words = [part for part in letters if part.isalpha()]
    if len(letters) > 1 and 2 * sum(map(len, words)) >= sum(map(len, letters)):
        return True
    return sum(map(len, _SYLLABLES.findall(value))) >= 0.75 * len(value)


def rules() -> tuple[Rule, ...]:
    """The rules; compiled when asked for, so that importing this costs nothing."""
    password, key = ("a password", _NAMES), ("a key", _SECRET_WORDS)
    # The type of a constant, or none, and what gives it its value.
    given = r"""\w*["']?\s*(?::\s*&?\s*(?:'\w+\s+)?str\s*)?[=:]\s*"""
    prose = r"""s?\b[`"']?(?:\s+(?:is|to|of|as|be)\b|\s*[:=]+)\s*[`"'(]*"""
    return (
        _rule(*password, rf"""{_NAMED}{given}"(?P<s>[^"\\\s),;][^"\\\s]{{5,199}})\"""", is_written_password),
        _rule(*password, rf"""{_NAMED}{_BETWEEN}"(?P<s>[^"\\\s),;][^"\\\s]{{5,199}})\"""", is_password),
        _rule(*password, rf"""{_NAMED}{prose}(?P<s>[^\s"'`,;(){{}}<>\[\]]{{8,200}})""", is_password, prose=True),
        _rule(*key, rf"""{_SECRET}{_BETWEEN}"(?P<s>[^"\\\s),;][^"\\\s]{{15,399}})\"""", is_key),
        _rule(*key, rf"""{_SECRET}{prose}(?P<s>[A-Za-z0-9+/=_.~-]{{16,400}})""", is_key, prose=True),
        _rule(
            "a header's credentials",
            ("bearer ", "basic ", "token "),
            r"(?:bearer|basic|token)\s+(?P<s>[A-Za-z0-9._~+/-]{16,}={0,2})",
            is_key,
        ),
        _rule(
            "a password in a URL",
            ("://",),
            r"""://[^\s:/?#@"'<>{}]{0,100}:(?P<s>[^\s/?#@"'<>{}\\]{2,200})@[\w.\[-]""",
            is_in_url,
        ),
        Rule(
            "a setting of an environment file",
            (*_SECRET_WORDS, *_NAMES, "dsn", "auth"),
            re.compile(
                r"^[ \t/!*#]*(?:export[ \t]+)?(?=\w*(?:SECRET|TOKEN|PASSW|PASSPHRASE|PWD|KEY|CREDENTIAL|DSN|AUTH))"
                r"""[A-Z][A-Z0-9_]+[ \t]*=[ \t]*["']?(?P<s>[^\s"'(){};]{6,400})""",
                re.MULTILINE,
            ),
            is_setting,
        ),
    )


def _rule(
    kind: str, words: tuple[str, ...], pattern: str, holds: Callable[[str], bool], *, prose: bool = False
) -> Rule:
    return Rule(kind, words, re.compile(pattern, re.IGNORECASE), holds, anchored=True, prose=prose)
