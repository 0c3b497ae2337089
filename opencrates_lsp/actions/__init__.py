"""Every action, in the order in which editors list them."""

from __future__ import annotations

from opencrates_lsp.actions import fill
from opencrates_lsp.actions.base import Action

ALL: tuple[Action, ...] = (fill.ACTION,)
