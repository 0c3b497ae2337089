"""The formats of tokens that services publish, beside those that the detector of `detector.py` knows.

Each format stands behind a few words that its text must have, so that most of them cost one search of a text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of secret looks: the group `s` of the pattern, or the whole match where it has none.

    `words` are in lower case; a text without any of them has no match.
    `holds` looks at the value once more.
    An `anchored` pattern begins with one of the words, so that it is tried there and nowhere else.
    One of `prose` counts in comments and in what people write, where no code can be meant.
    """

    kind: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = lambda value: True
    anchored: bool = False
    prose: bool = False


def entropy(value: str) -> float:
    """Shannon's entropy of the characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts) if value else 0.0


def is_random(value: str) -> bool:
    """Whether the value looks made by a machine: digits and letters, mixed, with little repetition."""
    return (
        len(value) >= 16
        and any(one.isdigit() for one in value)
        and any(one.isalpha() for one in value)
        and entropy(value) >= 3.0
    )


def _rule(kind: str, words: str, pattern: str, holds: Callable[[str], bool] | None = None, flags: int = 0) -> Rule:
    made = re.compile(pattern, flags)
    return (
        Rule(kind, tuple(words.split()), made, holds) if holds is not None else Rule(kind, tuple(words.split()), made)
    )


def formats() -> tuple[Rule, ...]:
    """The rules; compiled when asked for, so that importing this costs nothing."""
    return (
        _rule("a GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{22,255}"),
        _rule("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36,255}"),
        _rule(
            "a GitLab token",
            "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas-",
            r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[A-Za-z0-9_=.-]{20,}",
            is_random,
        ),
        _rule("an API key", "sk-", r"(?<![\w-])sk-[A-Za-z0-9_-]{20,}", is_random),
        _rule("an API key", "gsk_ xai- pplx- r8_", r"\b(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{37,}", is_random),
        _rule("a Google API key", "aiza", r"\bAIza[0-9A-Za-z_-]{35}"),
        _rule("a Google token", "gocspx- ya29.", r"\b(?:GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,})"),
        _rule("a Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{34,}"),
        _rule("a registry token", "pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
        _rule("a registry token", "cio", r"\bcio[A-Za-z0-9]{32}\b", is_random),
        _rule("a registry token", "rubygems_", r"\brubygems_[a-f0-9]{48}"),
        _rule("a registry token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
        _rule("a Docker token", "dckr_", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
        _rule("an AWS key", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
        _rule(
            "an AWS key",
            "aws secret_access secretaccess",
            r"(?:aws|secret_?access_?key).{0,60}?[\"'=:\s](?P<s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
            is_random,
            re.IGNORECASE | re.DOTALL,
        ),
        _rule(
            "an Azure key",
            "accountkey= sharedaccesskey=",
            r"(?:Account|SharedAccess)Key=(?P<s>[A-Za-z0-9+/]{40,}={0,2})",
        ),
        _rule("an Azure secret", "q~", r"(?<![\w~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![\w~.-])"),
        _rule("a signed URL", "sig=", r"[?&]sig=(?P<s>[A-Za-z0-9%+/]{40,}(?:%3D|=)?)"),
        _rule("a Slack token", "xox xapp-", r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}", is_random),
        _rule(
            "a webhook",
            "hooks.slack.com",
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9_/+-]{20,})",
        ),
        _rule(
            "a webhook",
            "/api/webhooks/",
            r"discord(?:app)?\.com/api/webhooks/(?P<s>\d+/[\w-]{40,})",
            None,
            re.IGNORECASE,
        ),
        _rule("a bot token", ":aa", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
        _rule(
            "a payment key", "k_live_ k_test_ k_prod_ whsec_", r"\b(?:[sr]k_(?:live|test|prod)|whsec)_[A-Za-z0-9]{16,}"
        ),
        _rule("a mail key", "sg.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        _rule("a mail key", "key-", r"\bkey-[0-9a-f]{32}\b"),
        _rule("a mail key", "xkeysib-", r"\bxkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
        _rule("a shop token", "shp", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
        _rule("a cloud token", "_v1_", r"\bdo[oprt]_v1_[a-f0-9]{64}"),
        _rule("a cloud token", "fo1_ fm1 fm2", r"\b(?:fo1_[\w-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{100,}={0,3})"),
        _rule("a cloud token", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
        _rule("a database token", "dapi", r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),
        _rule(
            "a database token", "sbp_ pscale_", r"\b(?:sbp_[a-f0-9]{40}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,})"
        ),
        _rule(
            "a vault token",
            "hvs. hvb. hvr. dp.",
            r"\b(?:hv[sbr]\.[A-Za-z0-9_-]{24,}|dp\.[a-z]{2,5}\.[A-Za-z0-9]{40,44})",
        ),
        _rule("an API key", "pmak-", r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
        _rule("an API key", "lin_ ntn_", r"\b(?:lin_(?:api|oauth)_[A-Za-z0-9]{32,}|ntn_\d{11}[A-Za-z0-9]{35})"),
        _rule("an API key", "glsa_ glc_", r"\b(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})"),
        _rule("an API key", "nrak-", r"\bNRAK-[A-Z0-9]{27}\b"),
        _rule("an API key", "sntry", r"\bsntry(?:s_[A-Za-z0-9+/=_-]{40,}|u_[a-f0-9]{64})"),
        _rule("an API key", "atatt3", r"\bATATT3[A-Za-z0-9_=-]{100,}"),
        _rule("an API key", "pul-", r"\bpul-[a-f0-9]{40}\b"),
        _rule("an age key", "age-secret-key-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}"),
        _rule("a signed token", "eyj", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{10,}"),
    )
