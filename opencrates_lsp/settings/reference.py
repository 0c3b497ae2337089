"""`docs/settings.md`, made from the models so that it cannot drift."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Annotated, Any, Literal, get_args, get_origin

from opencrates_lsp.settings.keys import Setting, settings_by_key
from opencrates_lsp.settings.layers import PROJECT_FILE, USER_FILE, variable
from opencrates_lsp.settings.models import Settings

_INTRODUCTION = f"""# Settings

<!-- Made from opencrates_lsp/settings/models.py; `UPDATE_DOCS=1 pytest tests/test_settings_docs.py` writes it anew. -->

## Where they come from

Later wins:

1. the defaults below
2. the project file, `{PROJECT_FILE}` at the root of a trusted workspace
3. the user file, `{USER_FILE}` in the config folder
4. what the editor answers to `workspace/configuration` for the section `opencrates`
5. environment variables: `{variable(("ai", "provider"))}` is `ai.provider`; lists and tables are JSON, names also `a,b`
6. `initializationOptions` of the editor
7. the command line: `--provider offline` is `ai.provider`

The project file and `workspace/configuration` can be written by whoever writes the repository.
They may set only what the column "project" allows; what they loosen is named and ignored.
Where it says "may only tighten", the stricter value holds, whatever the order above.

A wrong key or value is shown with its file and line.
Its section then counts as not written in that layer, except for what it tightens; everything else works.

`OPENCRATES_HOME` moves config, data and cache into one folder.
"""


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join((_INTRODUCTION, *_sections()))


def _sections() -> Iterator[str]:
    for section, settings in groupby(settings_by_key().values(), key=lambda setting: setting.section):
        yield f"## `[{'.'.join(section)}]`\n"
        if words := _words_of(section):
            yield f"{words}\n"
        yield "| key | takes | default | project | |\n|---|---|---|---|---|"
        for setting in settings:
            mark = setting.mark.words if setting.mark else "no"
            default = f"`{_toml(setting.default)}`" if setting.default is not None else ""
            cells = (f"`{setting.key[-1]}`", _takes(setting), default, mark, setting.description)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""


def _words_of(section: tuple[str, ...]) -> str:
    model: Any = Settings
    for name in section:
        model = model.model_fields[name].annotation
    return " ".join((model.__doc__ or "").split())


def _takes(setting: Setting) -> str:
    return " or ".join(dict.fromkeys(_kinds(setting.field.annotation))) + _bounds(setting)


def _kinds(annotation: object) -> Iterator[str]:
    names = {str: "text", bool: "true or false", int: "whole number", float: "number", type(None): "not set"}
    origin = get_origin(annotation)
    if origin is Literal:
        yield " ".join(f"`{_toml(word)}`" for word in get_args(annotation))
    elif origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin is dict:
        yield "table"
    elif origin is tuple:
        yield "list"
    elif origin is None:
        yield names.get(annotation, str(annotation)) if isinstance(annotation, type) else str(annotation)
    else:
        for one in get_args(annotation):
            yield from _kinds(one)


def _bounds(setting: Setting) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most"}
    said = [
        f"{word} {getattr(constraint, bound):,.10g}"
        for constraint in setting.field.metadata
        for bound, word in words.items()
        if getattr(constraint, bound, None) is not None
    ]
    return ", " + ", ".join(said) if said else ""


def _toml(value: object) -> str:
    """The value as TOML has it."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
