"""The rules of detect-secrets (in Bridgecrew's maintained line of it, Apache-2.0), as rules of ours.

Taken are its patterns of formats.
Left out are those that would hit ordinary Rust, because they want lines of an assignment in a configuration file, or
nothing but base64 of some length: `said.py` has what is told by a name.
It is imported when the first prompt is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from opencrates_lsp.redaction.formats import Rule

_LEFT_OUT = frozenset(
    {
        "AzureStorageKeyDetector",
        "BasicAuthDetector",
        "CloudantDetector",
        "IbmCloudIamDetector",
        "IbmCosHmacDetector",
        "IPPublicDetector",
        "PrivateKeyDetector",
        "SoftlayerDetector",
    }
)
_SHORTEST = 8
# Their patterns stand alone; these words spare the slow ones a text that cannot have a match.
_WORDS = {
    "ArtifactoryDetector": ("akc", "artif", "jfrog", "buildkit"),
    "AWSKeyDetector": ("aws", "akia", "asia", "abia", "acca", "a3t"),
    "GitHubTokenDetector": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "JwtTokenDetector": ("eyj",),
    "MailchimpDetector": ("-us",),
    "NpmDetector": ("npm",),
    "SendGridDetector": ("sg.",),
    "SlackDetector": ("xox", "hooks.slack.com"),
    "SquareOAuthDetector": ("sq0csp-",),
    "StripeDetector": ("k_live_",),
}


def rules() -> Iterator[Rule]:
    """The detector's rules; takes about 0.1 s the first time, for its imports."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    for kind, plugin in sorted(get_mapping_from_secret_type_to_class().items()):
        if plugin.__name__ in _LEFT_OUT or not issubclass(plugin, RegexBasedDetector):
            continue
        is_valid: Callable[[str], bool] = getattr(plugin, "is_formally_valid", lambda value: True)
        # It is a property of the base and a plain list of every detector.
        patterns = cast("Iterable[re.Pattern[str]]", plugin.denylist)
        for pattern in patterns:
            yield Rule(_said(kind), _WORDS.get(plugin.__name__, ()), pattern, is_valid)


def value_span(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret stands: the group `s`, else the longest group that is long enough to be one, else the match."""
    if "s" in match.re.groupindex:
        return match.span("s")
    spans = [match.span(group) for group in range(1, match.re.groups + 1)]
    longest = max(spans, key=lambda span: span[1] - span[0], default=match.span())
    return longest if longest[1] - longest[0] >= _SHORTEST else match.span()


def _said(kind: str) -> str:
    """ "AWS Access Key" in a sentence: "an AWS access key"."""
    words = [word if word.isupper() or not word.istitle() else word.lower() for word in kind.split()]
    brands = {"github": "GitHub", "jwt": "JWT", "discord": "Discord", "slack": "Slack", "stripe": "Stripe"}
    words = [brands.get(word, word) for word in words]
    return f"{'an' if words[0][:1].lower() in 'aeiou' else 'a'} {' '.join(words)}"
