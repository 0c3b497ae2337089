"""Settings from layers: what each may set, and what is wrong with any of them.

Importing this package imports pydantic: do it when settings are first needed, never at the start of the server.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opencrates_lsp.settings.keys import Setting, setting_at, settings_by_key, suggestion
from opencrates_lsp.settings.layers import Layer, Problem
from opencrates_lsp.settings.marks import Lower, Mark, Stricter, Taken, Union
from opencrates_lsp.settings.models import Settings
from opencrates_lsp.settings.places import Key

MOST_PROBLEMS = 20
"""After so many of one layer it is only said that there are more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings that hold, what was wrong, and which layer each dotted key is from (none: the default)."""

    settings: Settings
    problems: tuple[Problem, ...]
    origins: Mapping[str, str]


@dataclass(slots=True)
class _Taking:
    """The values that hold so far; `chosen` are those that one of the user's layers set."""

    values: dict[Key, Any]
    origins: dict[Key, str] = field(default_factory=dict)
    chosen: set[Key] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)


def load(layers: Sequence[Layer]) -> Loaded:
    """What holds of the layers, which come in rising order: a later one wins.

    Never raises: a wrong key is a problem, and its section in that layer counts as not written, except for what it
    tightens.
    A layer that is not trusted is held against all trusted ones, wherever it stands.
    """
    taking = _Taking({key: setting.default for key, setting in settings_by_key().items()})
    for layer in layers:
        taking.problems.extend(layer.problems)
    for layer in sorted(layers, key=lambda layer: not layer.trusted):
        _take(layer, taking)
    settings = Settings.model_validate(_nested(taking.values))
    return Loaded(settings, tuple(taking.problems), {".".join(key): name for key, name in taking.origins.items()})


def _take(layer: Layer, taking: _Taking) -> None:
    broken: set[Key] = set()
    found = list(_read(layer, (), layer.values, taking, broken))
    for setting, value in found:
        mark = setting.mark
        if not isinstance(mark, Taken | None) and (not layer.trusted or setting.section in broken):
            _tighten(layer, setting, mark, value, taking)
        elif setting.section in broken:
            continue
        elif layer.trusted or (mark is not None and setting.key not in taking.chosen):
            # The keys of a table (prices, variables) are settings of their own: what is not named again stays.
            taking.values[setting.key] = {**taking.values[setting.key], **value} if setting.is_table else value
            taking.origins[setting.key] = layer.name
            if layer.trusted:
                taking.chosen.add(setting.key)


def _read(
    layer: Layer, section: Key, values: Mapping[str, Any], taking: _Taking, broken: set[Key]
) -> Iterable[tuple[Setting, Any]]:
    """The layer's settings that have a sound value; the sections with a wrong key are added to `broken`."""
    for name, value in values.items():
        key = (*section, name)
        if value is None:
            continue
        setting = setting_at(key)
        if isinstance(setting, Setting):
            yield from _sound(layer, setting, value, taking, broken)
        elif setting == "section" and isinstance(value, Mapping):
            yield from _read(layer, key, value, taking, broken)
        elif setting == "section":
            _complain(layer, key, "is a section and has no value.", "Write its keys below it.", taking)
        else:
            broken.add(section)
            _complain(layer, key, "is no setting.", functools.partial(suggestion, key, value, layer.spell), taking)


def _sound(
    layer: Layer, setting: Setting, value: object, taking: _Taking, broken: set[Key]
) -> Iterable[tuple[Setting, Any]]:
    read, wrong = setting.read(value)
    if not layer.trusted and setting.mark is None:
        # Editors send every setting that they know: one that says what holds anyway is no attempt.
        if wrong is not None or read != taking.values[setting.key]:
            _complain(layer, setting.key, "may not be set here; it is ignored.", _YOURS, taking)
    elif wrong is None:
        yield setting, read
    else:
        if not setting.is_table:
            broken.add(setting.section)
        _complain(layer, (*setting.key, *wrong.within), f"cannot be used: {wrong.said}.", wrong.remedy, taking)


_YOURS = "Only your own settings may: the user file, the environment, initializationOptions or the command line."


def _tighten(layer: Layer, setting: Setting, mark: Mark, value: Any, taking: _Taking) -> None:  # noqa: ANN401
    if not isinstance(mark, Stricter | Lower | Union):
        return
    holds = taking.values[setting.key]
    if not layer.trusted and mark.looser(value, holds) and mark.looser(value, setting.default):
        _complain(layer, setting.key, "may only be tightened here; it is ignored.", _YOURS, taking)
    stricter = mark.combine(holds, value)
    if stricter != holds:
        taking.values[setting.key] = stricter
        taking.origins[setting.key] = layer.name


def _complain(layer: Layer, key: Key, message: str, remedy: str | Callable[[], str], taking: _Taking) -> None:
    if taking.told[layer.name] >= MOST_PROBLEMS:
        return
    taking.told[layer.name] += 1
    if taking.told[layer.name] == MOST_PROBLEMS:
        taking.problems.append(Problem("", "More is wrong here; the rest is not listed.", layer.where(key)))
        return
    said = remedy() if callable(remedy) else remedy
    shown = f"`{_plain(layer.spell(key))}` {message}"
    taking.problems.append(Problem(_plain(".".join(key)), shown, _plain(layer.where(key), 4096), said))


def _plain(text: str, longest: int = 100) -> str:
    """A key is whatever somebody wrote, and is shown in a line of a message."""
    return "".join(one if one.isprintable() else "?" for one in text[:longest])


def _nested(values: Mapping[Key, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        table = tree
        for part in key[:-1]:
            table = table.setdefault(part, {})
        table[key[-1]] = value
    return tree
