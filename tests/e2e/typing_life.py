"""The life of a random user as a state machine: typing, saving, renaming, closing, undoing, cancelling, answering.

A step is what a user does while models think; what must hold is held by `typing_user.User` on every edit of the server,
and here after every step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from lsprotocol import types
from typing_user import Fill, begin, block_of, end, file_text, hole, places
from typing_world import World

from opencrates_lsp.server.offers import LEAVE, SHOW, TAKE

ELSEWHERE = ("// 𝄞 é\n", "\n", "pub fn helper() {}\n", 'const CRAB: &str = "🦀";\n', "mod more {\n}\n", "fn broken(\n")
WHICH = st.integers(0, 19)
INSIDE = ("doc", "comment", "tail", "signature", "by hand", "name", "brace", "again", "gone")


class Life(RuleBasedStateMachine):
    """Two files, one of them with `\\r\\n`."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.user = self.world.user
        self.well = True
        self.did: list[str] = []
        self.undone: dict[Path, list[str]] = {}
        self.broken: set[Path] = set()

    @initialize()
    def start(self) -> None:
        for crlf in (False, True):
            self.world.files += 1
            text, keys = file_text(self.world.files, crlf)
            path = self.user.root / "src" / f"m{self.world.files}.rs"
            path.write_bytes(text.encode())
            with (path.parent / "lib.rs").open("a") as lib:
                lib.write(f"mod m{self.world.files};\n")
            self.user.keys[path] = keys
            self.user.names |= keys
            self.undone[path] = []
            self.do(self.open(path))

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do it, and hold what must hold after it; what is not the same the next time leaves the story behind."""
        self.did.append(f"{work.__qualname__.rpartition('.')[2]} {_told(work)}")
        self.well = False
        try:
            self.world.run(work)
            self.user.harvest()
            assert not self.user.problems, self.user.problems
        except BaseException as error:
            error.add_note("\n".join(self.did))
            raise
        self.well = True

    async def open(self, path: Path) -> None:
        self.user.open(path)

    def path(self, which: int, *, opened: bool = True) -> Path | None:
        """One of the files that are open, or are not."""
        paths = [path for path in self.user.keys if (path in self.user.documents) is opened]
        return paths[which % len(paths)] if paths else None

    def key(self, which: int, path: Path) -> str:
        return list(self.user.keys[path])[which // 2 % len(self.user.keys[path])]

    async def type(self, path: Path, at: int, old: str, new: str) -> None:
        self.undone[path].append(self.user.text(path))
        self.user.type_text(path, at, old, new)

    # What the user does to texts.

    @rule(which=WHICH, new=st.sampled_from(ELSEWHERE), number=st.integers(0, 20))
    def type_elsewhere(self, which: int, new: str, number: int) -> None:
        path = self.path(which)
        if path is None:
            return
        free = places(self.user.text(path))
        at, indented = free[number % len(free)]
        if indented and not new.startswith(("//", "\n")):
            new = "// in the impl\n"
        if "broken" in new:
            self.broken.add(path)
        self.do(self.type(path, at, "", new))

    @rule(which=WHICH, what=st.sampled_from(INSIDE))
    def type_inside(self, which: int, what: str) -> None:
        path = self.path(which)
        if path is None:
            return
        key = self.key(which, path)
        text, name = self.user.text(path), self.user.keys[path][key]
        old, new = {
            "doc": ("pub fn", "/// Mine 𝄞.\npub fn"),
            "comment": (hole(key), f"// mine\n    {hole(key)}"),
            "tail": (hole(key), f"{hole(key)} + 1"),
            "signature": ("x: u32", "x: u64"),
            "by hand": (hole(key), "7"),
            "name": (f"fn {name}(", f"fn {name}z("),
            "brace": (hole(key), f"{{ {hole(key)}"),
            "again": (hole(key), f"{hole(key)}; {hole(key)}"),
            "gone": (hole(key), ""),
        }[what]
        if block_of(text, key) is None:
            return
        at = text.find(old, text.index(begin(key).rstrip()))
        if 0 <= at < text.index(end(key).rstrip()):
            if what in ("brace", "gone", "name"):
                self.broken.add(path)
            self.do(self.type(path, at, old, new))

    @rule(which=WHICH)
    def copy(self, which: int) -> None:
        """The function once more at the end, without the marks: which one was meant cannot be told."""
        path = self.path(which)
        if path is None:
            return
        text = self.user.text(path)
        block = block_of(text, self.key(which, path))
        if block is not None and not block.startswith(" "):
            self.do(self.type(path, len(text), "", f"\n{block}"))

    @rule(which=WHICH, number=st.integers(0, 20))
    def move(self, which: int, number: int) -> None:
        """The function to another place of the file."""
        path = self.path(which)
        if path is None:
            return
        key = self.key(which, path)
        block = block_of(self.user.text(path), key)
        if block is not None and not block.startswith(" "):
            self.do(self._move(path, key, number))

    async def _move(self, path: Path, key: str, number: int) -> None:
        text = self.user.text(path)
        start, stop = text.index(begin(key).rstrip()), text.index(end(key).rstrip()) + len(end(key).rstrip())
        block = text[start:stop]
        # One step of the user's own undo, and two changes for the server.
        await self.type(path, start, block, "")
        free = [at for at, indented in places(self.user.text(path)) if not indented]
        self.user.type_text(path, free[number % len(free)], "", f"{block}\n")

    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        """The editor's own undo: the text of before, whatever the server did to it since."""
        path = self.path(which)
        if path is not None and self.undone[path]:
            self.do(self._take_back(path))

    async def _take_back(self, path: Path) -> None:
        self.user.type_text(path, 0, self.user.text(path), self.undone[path].pop())

    # What he does to files.

    @rule()
    def save(self) -> None:
        self.do(self._save())

    async def _save(self) -> None:
        self.user.save_all()

    @rule(which=WHICH, saved=st.booleans())
    def close(self, which: int, saved: bool) -> None:
        path = self.path(which)
        if path is not None:
            self.do(self._close(path, saved=saved))

    async def _close(self, path: Path, *, saved: bool) -> None:
        if saved:
            self.user.save_all()
        self.undone[path].clear()
        self.user.close(path)

    @rule(which=WHICH)
    def reopen(self, which: int) -> None:
        path = self.path(which, opened=False)
        if path is not None:
            self.do(self.open(path))

    @rule(which=WHICH)
    def rename(self, which: int) -> None:
        path = self.path(which)
        if path is None:
            return
        self.do(self._close(path, saved=True))
        self.world.files += 1
        new = path.with_name(f"m{self.world.files}.rs")
        path.rename(new)
        self.user.keys[new] = self.user.keys.pop(path)
        self.undone[new] = self.undone.pop(path)
        if path in self.broken:
            self.broken.add(new)
        self.do(self.open(new))

    # What he asks of the server.

    def waiting(self) -> list[Fill]:
        return [fill for fill in self.user.fills if not fill.future.done()]

    @rule(which=WHICH)
    def fill(self, which: int) -> None:
        path = self.path(which)
        if path is not None and len(self.waiting()) < 3:
            self.do(self._fill(path, self.key(which, path)))

    async def _fill(self, path: Path, key: str) -> None:
        self.world.commands += 1
        asked, asking = len(self.world.model.requests), len(self.user.asking())
        fill = self.user.begin_key(path, key, f"fill-{self.world.commands}")
        # The model is asked, or the user is, or the fill is over.
        while fill is not None and not fill.future.done() and len(self.world.model.requests) == asked:
            if len(self.user.asking()) > asking:
                break
            await asyncio.sleep(0.002)

    @rule(wait=st.booleans())
    def release(self, wait: bool) -> None:
        """A model answers; an editor that knows no versions must not type while an edit may be on its way."""
        if self.world.held():
            self.do(self._release(wait=wait or self.world.plain))

    async def _release(self, *, wait: bool) -> None:
        waiting = self.waiting()
        due = [fill for fill in waiting if self.user.stands(fill) and fill.path not in self.broken]
        held = [one for one in self.world.model.requests if not one.answered and not one.gone]
        self.world.model.release()
        while not any(one.answered or one.gone for one in held):
            await asyncio.sleep(0.002)
        if not wait or not waiting:
            return
        interrupted = self.user.interrupt is not None
        while len(self.waiting()) == len(waiting) and not (self.world.proving and self.user.asking()):
            await asyncio.sleep(0.002)
        self.user.harvest()
        if not interrupted and not self.world.proving:
            for fill in due:
                state = None if fill.answer is None else fill.answer["state"]
                assert state in (None, "applied", "cancelled"), (fill, fill.answer)

    @rule(which=WHICH, inside=st.booleans())
    def interrupt(self, which: int, inside: bool) -> None:
        """He will type in the very moment in which the next edit comes."""
        path = self.path(which)
        if path is None or self.world.plain:
            return
        key = self.key(which, path)

        def type_now() -> None:
            text = self.user.text(path) if path in self.user.documents else ""
            at = text.find(hole(key)) if inside else 0
            if text and at >= 0:
                self.user.type_text(path, at, "", "/* 𝄞 */ " if inside else "// 𝄞\n")

        self.user.interrupt = type_now

    @rule(which=WHICH, how=st.sampled_from(["request", "command"]))
    def cancel(self, which: int, how: str) -> None:
        waiting = self.waiting()
        if waiting:
            self.do(self._cancel(waiting[which % len(waiting)], how))

    async def _cancel(self, fill: Fill, how: str) -> None:
        name = self.user.names[fill.key]
        alike = [one for one in self.waiting() if self.user.names[one.key] == name]
        if how == "command":
            jobs = (await self.user.ask("jobs"))["jobs"]
            job = next(
                (job["job"] for job in jobs if job["title"].startswith("Fill") and f"{name}`" in job["title"]), ""
            )
            if not (await self.user.ask("cancel", job=job))["cancelled"]:
                return
        else:
            self.user.client.cancel_request(types.CancelParams(fill.number))
            alike = [fill]
        while not any(one.future.done() for one in alike):
            await asyncio.sleep(0.002)
        # A model that nobody waits for any more has gone.
        while self.world.held() > len(self.waiting()):
            await asyncio.sleep(0.002)

    @rule(which=WHICH, choice=st.sampled_from([TAKE, TAKE, SHOW, LEAVE, None]))
    def answer(self, which: int, choice: str | None) -> None:
        asking = self.user.asking()
        if asking:
            self.do(self._answer(which % len(asking), choice))

    async def _answer(self, number: int, choice: str | None) -> None:
        self.user.say(number, choice)
        if self.world.plain:
            await self.quiet()

    async def quiet(self) -> None:
        """Wait until no job runs but those whose models are held back; one more look, for what follows a yes."""
        still = 0
        while still < 2:
            jobs = [job for job in (await self.user.ask("jobs"))["jobs"] if job["parent"] is None]
            jobs = [job for job in jobs if job["message"] != "your answer"]
            still = still + 1 if len(jobs) <= self.world.held() else 0

    @rule(which=WHICH)
    def take_or_undo(self, which: int) -> None:
        """What was offered is taken by the command; what was applied is taken back."""
        done = [fill for fill in self.user.fills if fill.answer and fill.answer["job"] and fill.path in self.user.keys]
        if done:
            self.do(self._take_or_undo(done[which % len(done)]))

    async def _take_or_undo(self, fill: Fill) -> None:
        assert fill.answer is not None
        now = await self.user.ask("jobs", job=fill.answer["job"])
        if now["state"] == "offered" and now["diff"]:
            self.user.agree(self.user.keys[fill.path][fill.key])
            taken = await self.user.ask("takeOffer", job=fill.answer["job"])
            assert taken["state"] in ("applied", "offered", "refused"), taken
        elif now["state"] == "applied":
            self.user.undoing = True
            try:
                back = await self.user.ask("undo", id=now["change"])
            finally:
                self.user.undoing = False
            assert back["state"] in ("applied", "refused"), back

    @rule()
    def look(self) -> None:
        """The server has the user's text, and counts as he does."""
        self.do(self._look())

    async def _look(self) -> None:
        for path, document in list(self.user.documents.items()):
            if path not in self.broken:
                before = self.user.seen(path)
                told = (await self.user.ask("holes", uri=document.uri))["holes"]
                # An edit may have come with the answer.
                assert [one["range"]["start"] for one in told] in (before, self.user.seen(path)), self.user.text(path)

    # The end.

    def teardown(self) -> None:
        try:
            if self.well and self.user.keys:
                self.do(self._finish())
                self.do(self._leave())
        finally:
            if not self.well:
                self.world.again()
            self.user.forget()

    async def _finish(self) -> None:
        """Every model answers and every command; what was said to be applied was seen to be, once, and no more."""
        self.user.interrupt = None
        while self.waiting() or self.world.held():
            if self.world.held():
                await self._release(wait=True)
            if self.world.proving and self.user.asking():
                self.user.say(0, None)
            await asyncio.sleep(0.002)
        await self.quiet()
        self.user.harvest()
        for fill in self.user.fills:
            assert fill.answer is not None
            assert fill.answer["state"] in ("applied", "offered", "refused", "cancelled", "declined"), fill.answer
        said = [fill for fill in self.user.fills if fill.answer and fill.answer["state"] == "applied"]
        assert len(said) <= len(self.user.wrote)
        await self._look()

    async def _leave(self) -> None:
        self.user.interrupt = None
        for path in list(self.user.documents):
            self.user.close(path)
        while self.user.asking():
            self.user.say(0, None)
        while self.world.held():
            self.world.model.release()
            await asyncio.sleep(0.01)
        await self.quiet()


def _told(work: Coroutine[Any, Any, Any]) -> dict[str, object]:
    """What a step was given, for the story of a life that went wrong."""
    frame = getattr(work, "cr_frame", None)
    given = (frame.f_locals if frame else {}).items()
    return {name: value.name if isinstance(value, Path) else value for name, value in given if name != "self"}
