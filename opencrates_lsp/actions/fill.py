"""Fill the hole at the cursor.

Offered on a `todo!()` or `unimplemented!()`, and anywhere in a function that has one.
The whole enclosing item is asked for; only what the hole needs is laid in.

before
    pub fn double(x: u32) -> u32 {
        todo!()$0
    }
reply
    ```rust
    pub fn double(x: u32) -> u32 {
        x * 2
    }
    ```
after
    pub fn double(x: u32) -> u32 {
        x * 2
    }
"""

from __future__ import annotations

from collections.abc import Sequence

from opencrates_lsp.actions.base import Asked, Offer, Request, Tools
from opencrates_lsp.actions.propose import propose
from opencrates_lsp.errors import WrongUsage
from opencrates_lsp.rust import known
from opencrates_lsp.rust.context import context
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.holes import Hole, hole_at, subject
from opencrates_lsp.rust.items import Item, qualified_name
from opencrates_lsp.rust.ranking import Beside, named_types
from opencrates_lsp.values import Change, Task

KIND = "refactor.rewrite.opencrates.fill"
KIND_FILE = "source.opencrates.fillFile"
NOTHING_OFFLINE = "nothing provable offline here; configure a model (settings: ai.provider)"


class Fill:
    """See the module's docstring."""

    id = "fill"
    kinds = (KIND, KIND_FILE)

    def find(self, request: Request) -> Sequence[Offer]:
        hole = hole_at(request.source, request.span)
        if hole is None:
            return ()
        disabled = NOTHING_OFFLINE if request.provider == "offline" and not provable(request, hole) else None
        name = qualified_name(hole.item)
        return (
            Offer(f"Fill `{name}` (OpenCrates)", KIND, "opencrates.fill", hole.span, disabled),
            Offer("Fill every hole of this file (OpenCrates)", KIND_FILE, "opencrates.fillFile", hole.span),
        )

    async def run(self, request: Request, tools: Tools) -> Change:
        return await propose(request, await self.asked(request, tools), tools)

    async def asked(self, request: Request, tools: Tools) -> Asked:
        hole = hole_at(request.source, request.span)
        if hole is None:
            raise WrongUsage(
                "There is no hole at the cursor.",
                remedy="Put the cursor on a todo!() or unimplemented!(), or in a function that has one.",
                place=request.document.path,
            )
        item = hole.item
        task = Task(
            action=self.id,
            path=request.document.path,
            text=request.document.text,
            subject=subject(request.source, request.document.path, item),
            instruction=request.instruction or hole.message,
            related=_related(request, item),
        )
        shown = context(request.source, hole, await _beside(request, item, tools), tools.limits.context_tokens)
        values = {
            "name": qualified_name(item),
            "path": request.document.path.name,
            "outline": shown.outline,
            "needs": shown.needs,
            "context": shown.text,
            "item": request.document.text[item.span.start : item.span.end].decode(),
            "instruction": task.instruction,
            "dependencies": sorted(tools.dependencies or ()),
        }
        return Asked(task, f"Fill `{qualified_name(item)}`", values, shown.pieces)


def provable(request: Request, hole: Hole) -> bool:
    """Whether the offline rules know a body for the hole."""
    return bool(known.candidates(request.source, hole, _related(request, hole.item)))


async def _beside(request: Request, item: Item, tools: Tools) -> Beside:
    """What is known of the item outside of its file."""
    path = request.document.path
    return Beside(
        related=await tools.defining(named_types(request.source, item), path),
        calling=await tools.calling(item.identity.name, self_type(item.identity.header), path),
        locked=await tools.locked(request.source, item),
    )


def _related(request: Request, item: Item) -> dict[str, tuple[str, ...]]:
    return dict(request.related(named_types(request.source, item)))


ACTION = Fill()
