"""May code of a workspace, and of a model in it, run where nothing keeps it in? The user says so once a workspace."""

from __future__ import annotations

from pathlib import Path

from opencrates_lsp.face import Face
from opencrates_lsp.store import Store
from opencrates_lsp.values import Question

RUN = "Run it"
LEAVE = "Do not run it"


def _key(root: Path) -> str:
    return f"run without a sandbox\n{root}"


async def forget_consent(store: Store, root: Path) -> None:
    """Nothing was said of this workspace; the next who needs it asks."""
    await store.remembered.forget("consent", _key(root))


class Consent:
    """The user's word for one workspace, as one job asks for it; a yes and a no are remembered, silence is not.

    `verify.sandbox` says otherwise for good: "off" runs it without a question, "require" does not run it.
    """

    def __init__(self, store: Store, root: Path, face: Face) -> None:
        self._store = store
        self._root = root
        self._face = face
        self._said: bool | None = None

    async def __call__(self, ask: bool) -> bool:
        """Whether it may run; without `ask` only what was said before counts."""
        key = _key(self._root)
        if self._said is None:
            known = await self._store.remembered.recall("consent", key)
            self._said = None if known is None else known == RUN
        if self._said is None and ask:
            answer = await self._face.ask(
                Question(
                    f"Run code of {self._root.name} without a sandbox? Tests and build scripts, which a model may have "
                    "changed, can then do what you can do: bubblewrap, which would keep them in, does not work here.",
                    (RUN, LEAVE),
                    detail=str(self._root),
                )
            )
            self._said = answer == RUN
            if answer is not None:
                await self._store.remembered.remember("consent", key, answer)
        return self._said is True
