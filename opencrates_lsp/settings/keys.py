"""The settings by key: type, default, mark, and how a value is read."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from opencrates_lsp.settings.layers import Text
from opencrates_lsp.settings.marks import Lower, Mark, Stricter, Taken, Union
from opencrates_lsp.settings.models import SHAPES, Settings
from opencrates_lsp.settings.places import Key

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a value cannot be used; `within` is the way into it (the key of a table)."""

    said: str
    within: Key = ()
    remedy: str = "Correct it; docs/settings.md lists what it takes."


@dataclass(frozen=True, slots=True)
class Setting:
    """One key that has a value."""

    key: Key
    field: FieldInfo

    @property
    def section(self) -> Key:
        return self.key[:-1]

    @property
    def default(self) -> Any:  # noqa: ANN401 - the value of any field.
        return self.field.default

    @property
    def description(self) -> str:
        return " ".join((self.field.description or "").split())

    @property
    def mark(self) -> Mark | None:
        """What a project may do to it; None when it is the user's alone."""
        return next((one for one in self.field.metadata if isinstance(one, Stricter | Lower | Union | Taken)), None)

    @property
    def is_table(self) -> bool:
        """Whether its keys are names of the user's own."""
        return get_origin(self.field.annotation) is dict

    def read(self, value: object) -> tuple[Any, Wrong | None]:
        """The value as the setting's type, or what is wrong with it; a text of another type is not guessed at."""
        if isinstance(value, Text):
            value = _from_text(value, self.field.annotation)
        elif self.is_table and isinstance(value, Mapping):
            inner = get_args(self.field.annotation)[1]
            value = {name: _from_text(one, inner) if isinstance(one, Text) else one for name, one in value.items()}
        try:
            document = json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            return None, Wrong("it is neither text, number, truth value, list nor table")
        try:
            return _adapter(self.key).validate_json(document, strict=True), None
        except ValidationError as error:
            return None, _wrong(error, self)


def _wrong(error: ValidationError, setting: Setting) -> Wrong:
    """pydantic's words without the value, which is not for showing, and ours in the place of a pattern."""
    details = error.errors(include_url=False, include_input=False)
    said = dict.fromkeys(
        SHAPES[detail["ctx"]["pattern"]]
        if detail["type"] == "string_pattern_mismatch"
        else detail["msg"][:1].lower() + detail["msg"][1:]
        for detail in details
    )
    within = str(details[0]["loc"][0]) if setting.is_table and details[0]["loc"] else ""
    return Wrong(", or ".join(said), (within,) if within else ())


def _from_text(text: str, annotation: object) -> object:
    """The value that a text means for a setting of this type."""
    kinds = set(_kinds(annotation))
    word = text.strip()
    if bool in kinds and word.lower() in _TRUE | _FALSE:
        return word.lower() in _TRUE
    if type(None) in kinds and not word:
        return None
    if kinds <= {str, type(None)}:
        return str(text)
    try:
        value = json.loads(word)
    except (ValueError, RecursionError):
        value = word
    if tuple in kinds and not isinstance(value, list):
        # A name that looks like a number stays a name.
        return [part.strip() for part in word.split(",") if part.strip()]
    return value


def _kinds(annotation: object) -> Iterator[object]:
    """The plain types that an annotation allows, without what stands inside them."""
    origin = get_origin(annotation)
    if origin is None:
        yield annotation
    elif origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin is Literal:
        yield from {type(value) for value in get_args(annotation)}
    elif origin in (tuple, dict):
        yield origin
    else:
        for one in get_args(annotation):
            yield from _kinds(one)


@functools.cache
def settings_by_key() -> Mapping[Key, Setting]:
    """Every setting, in the order in which the sections and their fields stand in `models`."""
    return {setting.key: setting for setting in _walk(Settings, ())}


def _walk(model: type[BaseModel], section: Key) -> Iterator[Setting]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _walk(info.annotation, (*section, name))
        else:
            yield Setting((*section, name), info)


@functools.cache
def _adapter(key: Key) -> TypeAdapter[Any]:
    info = settings_by_key()[key].field
    annotated: Any = Annotated[info.annotation, info]
    return TypeAdapter(annotated)


@functools.cache
def _sections() -> frozenset[Key]:
    return frozenset(key[:length] for key in settings_by_key() for length in range(1, len(key)))


def setting_at(key: Key) -> Setting | Literal["section"] | None:
    """The setting of a key, "section" for a table of settings, None where nothing is."""
    return settings_by_key().get(key) or ("section" if key in _sections() else None)


def suggestion(key: Key, value: object, spell: Callable[[Key], str]) -> str:
    """What the user may have meant, spelled as in the layer: a section for a table, a setting for a value."""
    if key[-1] in ("api_key", "key", "token", "password"):
        return "Keys never stand in settings; see `ai.openai.credential` in docs/settings.md."
    among = {".".join(one): one for one in (_sections() if isinstance(value, Mapping) else settings_by_key())}
    elsewhere = [dotted for dotted, one in among.items() if one[-1] == key[-1]]
    close = elsewhere or difflib.get_close_matches(".".join(key)[:200], among, n=1, cutoff=0.7)
    return f"Did you mean `{spell(among[close[0]])}`?" if close else "docs/settings.md lists all of them."
