"""The plain values that the core passes around: frozen, without behaviour, without third-party imports.

Positions are UTF-8 byte offsets everywhere below the faces, because tree-sitter and rustc's JSON both speak bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple


class Span(NamedTuple):
    """A half-open range of UTF-8 bytes: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file at one moment.

    `text` is UTF-8.
    `version` is the editor's number for an open buffer, None for a file read from disk.
    """

    path: Path
    text: bytes
    version: int | None = None


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A replacement that rustc proposes; `replacements` belong together and are all applied or none.

    `applicability` is rustc's word: only `MachineApplicable` may be applied unseen.
    """

    message: str
    applicability: str
    replacements: tuple[Replace, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding of rustc, clippy, or the editor; `span` is in `path`, None where the finding has no place.

    `rendered` is the compiler's own text for people, empty where there is none.
    """

    severity: Severity
    message: str
    path: Path | None = None
    span: Span | None = None
    code: str | None = None
    rendered: str = ""
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Replace:
    """Put `text` at `span` of `path`, provided that `expect` stands there now."""

    path: Path
    span: Span
    text: str
    expect: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make a new file; refused when something stands at `path` already."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a file, provided that `expect` is its whole text now."""

    path: Path
    expect: str


Edit = Replace | Create | Delete


class Level(StrEnum):
    """How hard an edit is tried before it is believed, in rising order; `AUTO` is asked for, no verdict says it."""

    OFF = "off"
    PARSE = "parse"
    CHECK = "check"
    AUTO = "auto"
    CLIPPY = "clippy"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class TestCount:
    """Tests of a run, told against the run before the edit.

    `broken` names those that passed before, or that the edit itself wrote, and fail; `printed` is what each printed.
    `ran` names those that ran, at most 50, and `programs` the programs they are in, as cargo is told them.
    `failing_before` names those that fail as before, `flaky` those that did otherwise when they were run again.
    `waiting` are those of them that ended in the very hole before, and fail now for another reason: name and words.
    """

    passed: int
    failed: int
    ignored: int
    broken: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    ran: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    failing_before: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a proof and the seconds that it took: sync, baseline, canary, format, check, tests."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was tried and what came of it.

    `reached` says that rustc analysed the very item (a canary in it was reported); silence without it is no proof.
    `configuration` names the features and the target that were compiled.
    `reason` says in one sentence why the verdict falls short, None when it holds.
    `beyond_answer` says that the reason lies beyond the answer, so that no other answer could help.
    `skipped` says in clauses what was asked for and not done, though the verdict holds ("no test reaches it").
    """

    level: Level
    reached: bool
    configuration: str
    baseline_errors: int = 0
    new_errors: tuple[Diagnostic, ...] = ()
    tests: TestCount | None = None
    attempts: int = 1
    seconds: float = 0.0
    steps: tuple[Step, ...] = ()
    sandbox: str = "none"
    reason: str | None = None
    beyond_answer: bool = False
    skipped: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether an edit with this verdict may be applied."""
        if self.reason is not None or self.new_errors or (self.tests is not None and self.tests.broken):
            return False
        return self.reached or self.level in (Level.OFF, Level.PARSE)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model calls of one job cost; tokens are the provider's own count, unless they are `estimated`."""

    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    cached: bool = False
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A proved edit, ready for a face to apply.

    `documents` are the texts, as they were judged, that the spans of `edits` count in.
    `subject` is the item that was asked for, in `documents`; `others` are the further items of a change over many.
    `beside` are the other open texts that it was judged among.
    `job` is the job that made it, `undoes` the change that this one takes back.
    """

    id: str
    title: str
    edits: tuple[Edit, ...]
    verdict: Verdict
    usage: Usage
    documents: tuple[Document, ...]
    subject: Subject
    others: tuple[Subject, ...] = ()
    job: str = ""
    notes: tuple[str, ...] = ()
    undoes: str = ""
    beside: Mapping[Path, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """A proved change that waits for the user's word, on the texts as they were when it was offered.

    `typed` names the items that the user typed in meanwhile, none where he was only asked and has not answered.
    `keeps` says that all of what he typed stays.
    """

    change: Change
    typed: tuple[str, ...] = ()
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """A Markdown text for the user; nothing is edited."""

    title: str
    markdown: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Subject:
    """The item that an edit is about: where the canary goes and whose diagnostics count most.

    `item` spans the whole item (attributes and doc comments included), `probe` the block, or the expression of a
    const or static, in which a deliberate type error must be reported.
    `name` is for people ("Tokenizer::next_token").
    """

    path: Path
    name: str
    item: Span
    probe: Span
    holes: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """The structured request beside the prompt, for providers that work from the source and not from prose.

    `text` is the whole document, `related` the definitions of the types that it names, by name, from other files.
    `wanted` says which shape of answer is laid in: an item, or a JSON document for `schema`.
    """

    action: str
    path: Path
    text: bytes
    subject: Subject
    wanted: Literal["item", "json", "markdown"] = "item"
    instruction: str = ""
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of Rust from outside of a file that a model is shown with it.

    `reason` says in a clause why ("a type in the signature"), `origin` where it is from, for people ("src/http.rs",
    "serde 1.0.219").
    """

    text: str
    reason: str
    origin: str


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to a model, exactly."""

    messages: tuple[Message, ...]
    max_output_tokens: int = 4096
    temperature: float | None = None
    candidates: int = 1
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer.

    `candidate` tells the alternatives apart when a provider gives several; `usage` and `finish` ("stop", "length",
    "content_filter") come with the last piece.
    """

    text: str = ""
    candidate: int = 0
    usage: Usage | None = None
    finish: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something only the user can decide; the first choice is yes."""

    text: str
    choices: tuple[str, ...]
    detail: str = ""


Documents = Mapping[Path, Document]
Edits = Sequence[Edit]
