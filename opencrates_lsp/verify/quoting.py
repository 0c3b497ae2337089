"""What the compiler quotes of files that no model sees is taken out of what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_ARROW = re.compile(r"^\s*(?:-->|:::) (?P<path>.+?)(?::\d+)*$")
# A line of a quotation: a number or none, and the rule beside it; or the dots for what lies between two quotations.
_QUOTED = re.compile(r"^\s*\d*\s*[|~+-]|^\.\.\.")
_NOTE = re.compile(r"^\s*= ")


def unquoted(rendered: str, root: Path, is_left_out: Callable[[Path], bool]) -> str:
    """The compiler's text without the source lines of the files that are left out; where they are is still told.

    Paths that are not absolute are those of the workspace at `root`.
    """
    kept: list[str] = []
    hidden = False
    for line in rendered.splitlines():
        arrow = _ARROW.match(line)
        if arrow is not None:
            hidden = is_left_out(root / arrow["path"])
        elif not _QUOTED.match(line):
            hidden = hidden and bool(_NOTE.match(line))
        elif hidden:
            continue
        kept.append(line)
    return "\n".join(kept) if len(kept) < rendered.count("\n") + 1 else rendered
