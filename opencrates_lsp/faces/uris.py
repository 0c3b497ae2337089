"""Paths as `file:` URIs and back."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

_DRIVE = re.compile(r"/[A-Za-z]:(?=/|$)")


def path_of(uri: str) -> Path | None:
    """The absolute path that a `file:` URI names on this machine; None for any other URI."""
    pure = pure_path_of(uri, windows=os.name == "nt")
    return None if pure is None else Path(pure)


def uri_of(path: PurePath) -> str:
    """The `file:` URI of an absolute path: plain ASCII, all but unreserved characters and `/` percent-encoded.

    A Windows drive is written `c:`, as editors do after they have normalised it.
    """
    if isinstance(path, PureWindowsPath):
        text = path.as_posix()
        if text.startswith("//"):
            host, _, share = text[2:].partition("/")
            return f"file://{host}/{_quoted(share)}"
        return f"file:///{text[0].lower()}:{_quoted(text[2:])}"
    return "file://" + _quoted(str(path))


def _quoted(name: str) -> str:
    # A file name that is no UTF-8 is bytes in disguise on POSIX: it has to survive the way there and back.
    return quote_from_bytes(os.fsencode(name), safe="/")


def pure_path_of(uri: str, *, windows: bool) -> PurePath | None:
    """The absolute path that a `file:` URI names on Windows or elsewhere; None where it names none.

    A drive letter becomes upper case, as Windows writes it itself, so that one file has one path here.
    A `?` or `#` that an editor did not encode belongs to the name: files have no query.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() != "file":
        return None
    host = ""
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        rest = slash + rest
    name = os.fsdecode(unquote_to_bytes(rest))
    if not name.startswith("/") or "\0" in name:
        return None
    local = unquote(host).lower() in ("", "localhost")
    if not windows:
        return PurePosixPath(name) if local else None
    if not local:
        return PureWindowsPath(f"//{unquote(host)}{name}")
    if _DRIVE.match(name):
        return PureWindowsPath(name[1].upper() + name[2:])
    return None
