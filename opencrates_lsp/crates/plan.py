"""The plan of a crate as a model makes it: modules, their public items, and the tests that say what they shall do.

A plan has signatures and definitions, never bodies: those are holes, filled and proved one by one.
What a model writes is hostile until proved otherwise, so that each part is parsed, and must be exactly what it claims.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from opencrates_lsp.crates.spec import KEYWORDS
from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.syntax import error_spans, parse

MAX_MODULES, MAX_ITEMS, MAX_TESTS, MAX_USES = 8, 24, 16, 24
MAX_NAME, MAX_DOC, MAX_CODE, MAX_LINE = 40, 1200, 3000, 200
_MAX_STARTS = 64
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_DEFINITIONS = frozenset({"struct_item", "enum_item", "trait_item", "type_item", "const_item", "static_item"})
# Words that reach out of the crate, or around the proof, have no place in a plan.
_FORBIDDEN = re.compile(
    r"\b(?:unsafe|extern|include_str|include_bytes|option_env|asm|global_asm|macro_rules)\b|\b(?:include|env)\s*!"
)
# Beside the keywords: the files that a crate has already, and the module that the tests go to.
_RESERVED = KEYWORDS | {"main", "lib", "tests", "arguments"}


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One item.

    A "definition" is a whole struct, enum, trait, type, const or static.
    A "function" is a signature without a body; `owner` is the header of the impl that it stands in
    ("impl fmt::Display for Error"), "" for a free function.
    """

    kind: Literal["definition", "function"]
    owner: str
    code: str
    doc: str


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """A unit test: `code` are the statements of its body."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class PlannedModule:
    """`src/NAME.rs`; `uses` are whole `use` lines."""

    name: str
    doc: str
    uses: tuple[str, ...]
    items: tuple[PlannedItem, ...]
    tests: tuple[PlannedTest, ...]


@dataclass(frozen=True, slots=True)
class CratePlan:
    """`doc` says what the crate is for; the first sentence of it stands for the crate."""

    doc: str
    modules: tuple[PlannedModule, ...]


def _text(limit: int, description: str) -> dict[str, object]:
    return {"type": "string", "maxLength": limit, "description": description}


def _list(limit: int, of: Mapping[str, object]) -> dict[str, object]:
    return {"type": "array", "maxItems": limit, "items": dict(of)}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMA: Mapping[str, object] = _object(
    {
        "doc": _text(MAX_DOC, "What the crate is for, in Markdown; no headings, no code blocks."),
        "modules": _list(
            MAX_MODULES,
            _object(
                {
                    "name": _text(MAX_NAME, "A snake_case module name."),
                    "doc": _text(MAX_DOC, "What the module is for."),
                    "uses": _list(MAX_USES, _text(MAX_LINE, "A whole `use` declaration.")),
                    "items": _list(
                        MAX_ITEMS,
                        _object(
                            {
                                "kind": {"type": "string", "enum": ["definition", "function"]},
                                "owner": _text(MAX_LINE, 'The header of the impl around a function, or "".'),
                                "code": _text(MAX_CODE, "A whole definition, or a signature without its body."),
                                "doc": _text(MAX_DOC, "What it does; no code blocks."),
                            }
                        ),
                    ),
                    "tests": _list(
                        MAX_TESTS,
                        _object(
                            {
                                "name": _text(MAX_NAME, "A snake_case name that says what is expected."),
                                "code": _text(MAX_CODE, "The statements of the test's body."),
                            }
                        ),
                    ),
                }
            ),
        ),
    }
)


def parse_plan(text: str) -> CratePlan:
    """The plan in a model's answer; a fence and prose around the JSON are no harm.

    Raises `Refused` naming every violation by its path in the JSON, `attempt` being the answer.
    """
    wrong: list[str] = []
    plan = _plan(_json(text), wrong)
    if not wrong:
        _check(plan, wrong)
    if wrong:
        raise Refused(
            f"The plan of the crate cannot be used: {'; '.join(wrong)}.",
            remedy="Try again, or describe the crate more exactly.",
            attempt=text,
        )
    return plan


def _json(text: str) -> object:
    """The first object with modules, wherever it begins; what is thought aloud before it may have braces too."""
    decoder = json.JSONDecoder()
    said = ""
    found: object = None
    for match in list(re.finditer(r"\{", text))[:_MAX_STARTS]:
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            said = said or f"{error.msg} at character {error.pos}"
        except RecursionError:
            said = said or "it is nested too deeply"
        else:
            if isinstance(found, dict) and "modules" in found:
                return found
    if said:
        raise Refused(f"The plan of the crate is no JSON: {said}.", attempt=text)
    if found is None:
        raise Refused("There is no plan of the crate in the answer: no JSON object.", attempt=text)
    return found


def _plan(value: object, wrong: list[str]) -> CratePlan:
    """The values of the JSON, every shape held against `SCHEMA`."""
    _hold(value, SCHEMA, "plan", wrong)
    if wrong:
        return CratePlan("", ())
    table: Any = value
    return CratePlan(
        table["doc"],
        tuple(
            PlannedModule(
                module["name"],
                module["doc"],
                tuple(module["uses"]),
                tuple(PlannedItem(**item) for item in module["items"]),
                tuple(PlannedTest(**test) for test in module["tests"]),
            )
            for module in table["modules"]
        ),
    )


def _hold(value: object, schema: Mapping[str, Any], path: str, wrong: list[str]) -> None:
    """Hold a value against the part of JSON Schema that `SCHEMA` uses."""
    wanted = schema["type"]
    if wanted == "string":
        if not isinstance(value, str):
            wrong.append(f"{path} is not a text")
        elif len(value) > schema.get("maxLength", MAX_LINE):
            wrong.append(f"{path} is longer than {schema['maxLength']} characters")
        elif "enum" in schema and value not in schema["enum"]:
            wrong.append(f"{path} is none of {', '.join(schema['enum'])}")
    elif wanted == "array":
        if not isinstance(value, list):
            wrong.append(f"{path} is not a list")
        elif len(value) > schema["maxItems"]:
            wrong.append(f"{path} has more than {schema['maxItems']} entries")
        else:
            for at, one in enumerate(value):
                _hold(one, schema["items"], f"{path}[{at}]", wrong)
    elif not isinstance(value, dict):
        wrong.append(f"{path} is not an object")
    else:
        wrong += [f"{path}.{key} is missing" for key in schema["required"] if key not in value]
        wrong += [f"{path}.{key} is unknown" for key in value if key not in schema["properties"]]
        for key, part in schema["properties"].items():
            if key in value:
                _hold(value[key], part, f"{path}.{key}", wrong)


def _check(plan: CratePlan, wrong: list[str]) -> None:
    """What a schema cannot say: names, and Rust that is exactly the thing that it claims to be."""
    if not plan.modules:
        wrong.append("plan.modules is empty")
    names = [module.name for module in plan.modules]
    for at, module in enumerate(plan.modules):
        path = f"plan.modules[{at}]"
        _check_name(f"{path}.name", module.name, names, wrong)
        if not module.items:
            wrong.append(f"{path}.items is empty")
        for number, line in enumerate(module.uses):
            _check_rust(f"{path}.uses[{number}]", line, _use(line), {"use_declaration"}, wrong)
        for number, item in enumerate(module.items):
            _check_item(f"{path}.items[{number}]", item, wrong)
        tests = [test.name for test in module.tests]
        for number, test in enumerate(module.tests):
            _check_name(f"{path}.tests[{number}].name", test.name, tests, wrong)
            whole = f"fn {test.name}() {{\n{test.code}\n}}"
            _check_rust(f"{path}.tests[{number}].code", test.code, whole, {"function_item"}, wrong)


def _check_name(path: str, name: str, all_names: list[str], wrong: list[str]) -> None:
    if not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        wrong.append(f"{path} {name!r} cannot be a name here")
    elif all_names.count(name) > 1:
        wrong.append(f"{path} {name!r} is used twice")


def _check_item(path: str, item: PlannedItem, wrong: list[str]) -> None:
    if item.kind == "definition":
        if item.owner:
            wrong.append(f"{path}.owner is given for a definition")
        _check_rust(f"{path}.code", item.code, item.code, _DEFINITIONS, wrong)
        return
    if item.owner:
        _check_rust(f"{path}.owner", item.owner, f"{item.owner} {{}}", {"impl_item"}, wrong)
    if "{" in item.code:
        wrong.append(f"{path}.code has a body or a brace; only the signature is asked for")
    else:
        whole = f"{_signature(item)} {{}}"
        if item.owner:
            whole = f"impl X {{ {whole} }}"
        _check_rust(f"{path}.code", item.code, whole, {"impl_item" if item.owner else "function_item"}, wrong)


def _check_rust(path: str, code: str, whole: str, kinds: frozenset[str] | set[str], wrong: list[str]) -> None:
    """Hold `whole`, in which `code` stands, against the one item that it must be."""
    if (word := _FORBIDDEN.search(code)) is not None:
        wrong.append(f"{path} uses `{word[0]}`")
        return
    source = parse(whole.encode("utf-8", "replace"))
    items = [
        node
        for node in source.tree.root_node.named_children
        if node.type not in ("attribute_item", "line_comment", "block_comment")
    ]
    if error_spans(source) or len(items) != 1 or items[0].type not in kinds:
        wrong.append(f"{path} is not one {' or '.join(sorted(kinds)).replace('_item', '').replace('_', ' ')}")
        return
    body = items[0].child_by_field_name("body")
    if items[0].type == "impl_item" and body is not None and body.named_child_count > 1:
        wrong.append(f"{path} is more than one function")


def _use(line: str) -> str:
    return f"{line.strip().removesuffix(';')};"


def _signature(item: PlannedItem) -> str:
    return item.code.strip().removesuffix(";").rstrip()


def render_module(module: PlannedModule) -> str:
    """The module's file: its items with `todo!()` for every body, and its tests; not formatted."""
    parts = [doc_lines(module.doc, "//!")] if module.doc.strip() else []
    parts += ["\n".join(map(_use, module.uses))] if module.uses else []
    owned: dict[str, list[str]] = {}
    for item in module.items:
        doc = doc_lines(item.doc, "///")
        if item.kind == "definition":
            parts.append(_joined(doc, item.code.strip()))
            continue
        function = _joined(doc, f"{_signature(item)} {{\n    todo!()\n}}")
        if not item.owner:
            parts.append(function)
            continue
        header = " ".join(item.owner.split())
        if header not in owned:
            owned[header] = []
            parts.append(header)
        owned[header].append(function)
    # The functions of one impl are gathered where the first of them stands.
    parts = [f"{part} {{\n{chr(10).join(owned[part])}\n}}" if part in owned else part for part in parts]
    if module.tests:
        tests = "\n\n".join(f"#[test]\nfn {test.name}() {{\n{test.code.strip()}\n}}" for test in module.tests)
        parts.append(f"#[cfg(test)]\nmod tests {{\nuse super::*;\n\n{tests}\n}}")
    return "\n\n".join(parts) + "\n"


def _joined(doc: str, code: str) -> str:
    return f"{doc}\n{code}" if doc else code


def doc_lines(text: str, mark: str) -> str:
    """A text as doc comment lines, "" for a blank one; paragraphs stay, anything that rustdoc might run does not."""
    paragraphs = [prose(part) for part in re.split(r"\n\s*\n", text)]
    return f"\n{mark}\n".join(f"{mark} {part}" for part in paragraphs if part)


def prose(text: str) -> str:
    """One line of Markdown that is a paragraph wherever it is put: no code block, HTML, link, or invisible character.

    Inline code stays when its backticks are paired.
    """
    line = " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())
    if "``" in line or line.count("`") % 2:
        line = line.replace("`", "'")
    parts = line.split("`")
    parts[::2] = [re.sub(r"(?<!\\)([\[\]<>]|^~~~)", r"\\\1", part) for part in parts[::2]]
    line = "`".join(parts)
    return f"\\{line}" if line[:1] in ("#", "-", "+", "=", "*", ">", "|") else line
