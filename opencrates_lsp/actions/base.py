"""What an action is, what it is asked, and what it may use.

An action is one file: where it is offered (`find`) and what it does (`run`).
It never imports another action, a provider or the proof: it is handed `Tools`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from opencrates_lsp.face import Face
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.packing import Piece
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.terms import Limits, Lints, Policy
from opencrates_lsp.values import (
    Change,
    Chunk,
    Diagnostic,
    Document,
    Excerpt,
    Level,
    Note,
    Prompt,
    Span,
    Subject,
    Task,
    Usage,
    Verdict,
)

Related = Callable[[Sequence[str]], Mapping[str, tuple[str, ...]]]
"""The definitions of the named types in other files of the workspace; from memory, without I/O."""


def nothing_related(names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The `Related` of a file that no workspace is known for."""
    return {}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done at a place.

    `command` is what the editor runs ("opencrates.fill"), `disabled` the reason why it cannot run now.
    """

    title: str
    kind: str
    command: str
    span: Span
    disabled: str | None = None
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What the user points at.

    `provider` is the name of the provider that would answer, None as long as the settings are not read.
    """

    document: Document
    source: Source
    span: Span
    instruction: str = ""
    provider: str | None = None
    related: Related = nothing_related


class Proof(Protocol):
    """The state before the edit, analysed: the baseline and whether rustc looks at the item."""

    @property
    def reached(self) -> bool: ...

    @property
    def reason(self) -> str | None:
        """Why the item is not reached, in one sentence."""
        ...

    async def judge(self, after: Mapping[Path, bytes | None], *, whole_workspace: bool) -> Verdict:
        """Check the candidate against the baseline; `after` are the texts that it makes, None for a file that goes."""
        ...


class Tools(Protocol):
    """What an action may use while it runs; built by the app for one job."""

    @property
    def face(self) -> Face: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def level(self) -> Level: ...

    async def callers(self, name: str, owner: str, path: Path) -> Sequence[str]:
        """Functions in other files than `path` that call the function, as texts; `owner` is its type's name."""
        ...

    async def calling(self, name: str, owner: str, path: Path) -> Sequence[Excerpt]:
        """The same functions as excerpts: with what each is to the function, and the file that it is in."""
        ...

    async def defining(self, names: Sequence[str], path: Path) -> Mapping[str, Sequence[Excerpt]]:
        """The definitions of the named types in other files than `path`, each name's followed by outlines of impls."""
        ...

    async def locked(self, source: Source, item: Item) -> Sequence[Excerpt]:
        """What the item needs to know of the dependencies, of the versions that are locked, most telling first."""
        ...

    async def offered(self, module: str, inside: tuple[str, ...], source: Source) -> Excerpt | None:
        """What the module has that the file names so, within its inline modules `inside`; None where there is none."""
        ...

    @property
    def dependencies(self) -> frozenset[str] | None:
        """The crate names that the package's code may use; None when the manifest is not known."""
        ...

    @property
    def lints(self) -> Lints:
        """What the crate says of lints outside of the file."""
        ...

    @property
    def converses(self) -> bool:
        """Whether the provider reads what is said to it, so that telling it the errors can help."""
        ...

    async def render(self, template: str, values: Mapping[str, object]) -> str:
        """A prompt from `templates/prompts`."""
        ...

    def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """The provider's answer; closing the generator ends the request."""
        ...

    def restored(self, answer: str, text: bytes) -> str:
        """The answer with the secrets of the file in the place of their markers.

        Raises `Refused` where a marker stands where its secret did not.
        """
        ...

    @property
    def calls(self) -> Sequence[Usage]:
        """What each call of a provider used in this job so far, those included that were broken off."""
        ...

    async def recall(self, prompt: Prompt, candidate: int = 0) -> str | None:
        """An answer that once passed for the same prompt, toolchain and lock file, as this one of its candidates."""
        ...

    async def keep(self, prompt: Prompt, answer: str, candidate: int = 0) -> None:
        """Keep an answer whose verdict passed."""
        ...

    async def prepare(self, subject: Subject, level: Level) -> Proof:
        """Sync the mirror, run the baseline and the canary."""
        ...

    async def format(self, text: str, indent: str, newline: str) -> str:
        """The item as rustfmt lays it out at this indentation, with these line ends; unchanged without a rustfmt."""
        ...

    async def rejected(self, text: str) -> str | None:
        """Why rustc cannot parse this file, or None when it can (or when no rustc may run)."""
        ...

    def suggested(self, text: bytes, path: Path, errors: Sequence[Diagnostic], within: Span) -> bytes | None:
        """The text with rustc's machine-applicable suggestions applied inside `within`; None when there are none."""
        ...

    def explain(self, errors: Sequence[Diagnostic], path: Path, text: bytes, within: Span) -> str:
        """The errors for a model: rendered and trimmed, of the item's own code."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What an action asks a provider for: the task, what the change is called, and the values of its prompt.

    `pieces` are what its context is made of, for the user.
    """

    task: Task
    title: str
    values: Mapping[str, object]
    pieces: Sequence[Piece] = ()


class Action(Protocol):
    """One capability; the modules in `actions.ALL` each have one as `ACTION`."""

    @property
    def id(self) -> str: ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """The LSP code action kinds of its offers."""
        ...

    def find(self, request: Request) -> Sequence[Offer]:
        """What can be offered at the place; pure, without I/O, under a millisecond."""
        ...

    async def asked(self, request: Request, tools: Tools) -> Asked:
        """What a provider is asked for at the place; raises `WrongUsage` where there is nothing to ask."""
        ...

    def run(self, request: Request, tools: Tools) -> Awaitable[Change | Note]:
        """Do it; raises `Refused` with the reason when the result is not good enough."""
        ...
