"""What happened, told to whoever listens: status, metrics and logs.

An event may get lost without harm: what must not be lost is an awaited write to the store.
Events carry no prompt, no source text and no secret.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from opencrates_lsp.values import Usage, Verdict

log = logging.getLogger(__name__)

Outcome = Literal["done", "refused", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all events; whoever subscribes to it hears everything."""


@dataclass(frozen=True, slots=True)
class ProviderCalled(Event):
    """A provider was asked; `first_seconds` is the wait for the first piece, None when none came.

    `error` is the message that the user saw, empty when the call was done.
    """

    usage: Usage
    seconds: float
    outcome: Outcome = "done"
    first_seconds: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProviderHealthChanged(Event):
    """A provider began, or ceased, to answer; `reason` is a sentence for people."""

    provider: str
    state: Literal["ok", "degraded", "down"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verified(Event):
    """A candidate was judged, whatever the verdict."""

    action: str
    job: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ChangeApplied(Event):
    """A change is in the user's buffers; `undo` says that it took an earlier one back."""

    change: str
    title: str
    files: int
    undo: bool = False


@dataclass(frozen=True, slots=True)
class CrateGenerated(Event):
    """A new crate was published."""

    name: str
    kind: str
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class UserAction(Event):
    """The user asked for something, and how that ended."""

    action: str
    job: str
    outcome: Outcome
    seconds: float


E = TypeVar("E", bound=Event)


class Bus:
    """Hands each event to its subscribers, at once and in the order in which they came.

    Not for use across threads: publish where the event loop runs.
    """

    def __init__(self) -> None:
        self._subscribers: dict[type[Event], list[Callable[[Any], object]]] = {}

    def subscribe(self, kind: type[E], listen: Callable[[E], object]) -> Callable[[], None]:
        """Call `listen` with every event of `kind` and its subclasses; the answer ends the subscription."""
        self._subscribers.setdefault(kind, []).append(listen)

        def leave() -> None:
            listeners = self._subscribers[kind]
            if listen in listeners:
                listeners.remove(listen)

        return leave

    def publish(self, event: Event) -> None:
        """Tell everyone; a subscriber that fails is logged and harms nobody."""
        for kind in type(event).__mro__:
            for listen in tuple(self._subscribers.get(kind, ())):
                try:
                    listen(event)
                except Exception:
                    log.exception("A subscriber of %s failed.", type(event).__name__)
