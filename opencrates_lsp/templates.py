"""Texts made of templates: the project's folder first, then the user's, then the packaged one.

Jinja2 is imported when the first template is rendered.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Missing, WrongUsage

if TYPE_CHECKING:
    from jinja2 import Environment

RENDERING_ERRORS = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What the expressions of a template can raise beside Jinja2's own errors."""


class Templates:
    """The templates of some folders; of two with the same name the one of the earlier folder counts.

    A folder that a repository can write belongs among them only when the workspace is trusted: the sandbox keeps a
    template from reaching into the program, not from writing whatever it likes into a prompt or a crate.
    """

    def __init__(self, search: Sequence[Path]) -> None:
        self.search = tuple(search)
        self._first = threading.Lock()

    async def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template `name` ("prompts/fill.md.j2") with `values`.

        Raises `WrongUsage` naming template and line when there is none, when it is no template, or when it uses a
        value that is not there.
        """
        return await asyncio.to_thread(self._render, name, values)

    async def names(self, folder: str) -> tuple[str, ...]:
        """The names of all templates below `folder` ("crates/lib"), over all folders of the search, sorted."""
        return await asyncio.to_thread(self._names, folder)

    def _names(self, folder: str) -> tuple[str, ...]:
        below = folder.rstrip("/") + "/"
        with self._first:
            return tuple(name for name in self._environment.list_templates() if name.startswith(below))

    def _render(self, name: str, values: Mapping[str, object]) -> str:
        import jinja2

        try:
            with self._first:
                template = self._environment.get_template(name)
            return template.render(values)
        except jinja2.TemplateSyntaxError as error:
            raise self._wrong(error.name or name, error.lineno, error.message or "it is no template") from error
        except jinja2.TemplateNotFound as error:
            missing = error.name or name
            wanted = "" if missing == name else f", which `{name}` wants"
            raise WrongUsage(
                f"There is no template `{missing}`{wanted}.",
                remedy="It was looked for in " + ", ".join(map(str, self.search)) + ".",
            ) from error
        except (*RENDERING_ERRORS, jinja2.TemplateError) as error:
            where, line = self._line_of(error.__traceback__) or (name, None)
            raise self._wrong(where, line, str(error)) from error

    @functools.cached_property
    def _environment(self) -> Environment:
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        return ImmutableSandboxedEnvironment(
            loader=jinja2.FileSystemLoader(self.search),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            # The texts are Rust, TOML and Markdown: escaping for HTML would turn `Vec<u8>` into `Vec&lt;u8&gt;`.
            autoescape=False,
        )

    def _line_of(self, traceback: TracebackType | None) -> tuple[str, int] | None:
        """The innermost line of a template that the error went through."""
        found = None
        while traceback is not None:
            file = Path(traceback.tb_frame.f_code.co_filename)
            for folder in self.search:
                if file.is_relative_to(folder):
                    found = file.relative_to(folder).as_posix(), traceback.tb_lineno
            traceback = traceback.tb_next
        return found

    def _wrong(self, name: str, line: int | None, said: str) -> WrongUsage:
        at = f", line {line}" if line else ""
        place = next((folder / name for folder in self.search if (folder / name).is_file()), None)
        return WrongUsage(
            f"The template `{name}`{at} cannot be rendered: {said.rstrip('.')}.",
            remedy="Correct the template, or remove it to have the packaged one.",
            place=place,
        )


def packaged_folder() -> Path:
    """The templates that come with OpenCrates: inside the wheel, else at the root of the repository.

    Raises `Missing` when neither is there.
    """
    package = Path(__file__).parent
    for folder in (package / "_templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise Missing("The packaged templates are missing.", remedy="Install opencrates-lsp again.", place=package)
