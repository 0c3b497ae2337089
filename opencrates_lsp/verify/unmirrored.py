"""Files of the user's that rustc looked for in the mirror, because a macro or a `mod` reads beside the workspace."""

from __future__ import annotations

import os
import re
from pathlib import Path

from opencrates_lsp.verify.messages import Report

_UNREAD = re.compile(r"couldn't read `(?P<path>[^`]+)`")
# Where rustc has looked for the file of a `mod`.
_MODULE = re.compile(r'"([^"\n]+\.rs)"')


def unmirrored(report: Report, root: Path) -> set[str]:
    """The paths of those that are there; `root` is the workspace's, from which relative ones count."""
    found: set[str] = set()
    for one in report.errors:
        match = _UNREAD.search(one.diagnostic.message)
        names = [match["path"]] if match is not None else []
        if one.diagnostic.code == "E0583":
            names = _MODULE.findall(one.diagnostic.rendered)
        places = (Path(os.path.normpath(root / name)) for name in names)
        found.update(str(place) for place in places if place.is_file())
    return found
