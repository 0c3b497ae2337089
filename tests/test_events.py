"""The bus: who hears what, and that a failing listener harms nobody."""

from __future__ import annotations

import logging

import pytest

from opencrates_lsp.events import Bus, ChangeApplied, Event, ProviderHealthChanged

APPLIED = ChangeApplied("c1", "Fill `double`", files=1)
DOWN = ProviderHealthChanged("openai", "down", "The host does not answer.")


def test_a_subscriber_hears_its_own_kind_only() -> None:
    bus, heard = Bus(), list[Event]()
    bus.subscribe(ChangeApplied, heard.append)
    bus.publish(DOWN)
    bus.publish(APPLIED)
    assert heard == [APPLIED]


def test_the_root_hears_everything_in_order() -> None:
    bus, heard = Bus(), list[Event]()
    bus.subscribe(Event, heard.append)
    bus.publish(DOWN)
    bus.publish(APPLIED)
    assert heard == [DOWN, APPLIED]


def test_a_failing_subscriber_is_logged_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus(), list[Event]()

    def fail(event: Event) -> None:
        raise RuntimeError("no display")

    bus.subscribe(ChangeApplied, fail)
    bus.subscribe(ChangeApplied, heard.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(APPLIED)
    assert heard == [APPLIED]
    assert "ChangeApplied" in caplog.text
    assert "no display" in caplog.text


def test_a_subscription_ends_once_and_may_end_while_it_is_told() -> None:
    bus, heard = Bus(), list[Event]()

    def once(event: Event) -> None:
        heard.append(event)
        leave()

    leave = bus.subscribe(ChangeApplied, once)
    bus.subscribe(ChangeApplied, heard.append)
    bus.publish(APPLIED)
    bus.publish(APPLIED)
    assert heard == [APPLIED, APPLIED, APPLIED]
    leave()


def test_the_same_function_may_listen_to_two_kinds() -> None:
    bus, heard = Bus(), list[Event]()
    leave = bus.subscribe(ChangeApplied, heard.append)
    bus.subscribe(ProviderHealthChanged, heard.append)
    leave()
    bus.publish(APPLIED)
    bus.publish(DOWN)
    assert heard == [DOWN]
