"""What the editor of one connection can do, as it said in `initialize`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lsprotocol import types

from opencrates_lsp.faces.uris import path_of
from opencrates_lsp.server.convert import EditSupport

ANSWER_SECONDS = 2.0
PATIENT_SECONDS = 15.0
_OWN = ("token", "answer_within")
_PATIENT = ("neovim", "visual studio code", "code-server", "vscodium", "emacs", "eglot", "helix")


@dataclass(frozen=True, slots=True)
class Client:
    """One editor.

    `options` are the settings in its `initializationOptions`, `waits` the seconds that it said it waits for a command.
    `folders` are those of `initialize`; they change later.
    """

    name: str = ""
    edits: EditSupport = field(default_factory=EditSupport)
    literals: bool = False
    disabled: bool = False
    tags: bool = False
    progress: bool = False
    show_document: bool = False
    configuration: bool = False
    watches: bool = False
    waits: float | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, params: types.InitializeParams) -> Client:
        """Read what the editor declared."""
        capabilities = params.capabilities
        workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
        window = capabilities.window or types.WindowClientCapabilities()
        text = capabilities.text_document or types.TextDocumentClientCapabilities()
        actions = text.code_action or types.CodeActionClientCapabilities()
        tags = actions.tag_support.value_set if actions.tag_support is not None else ()
        watching = workspace.did_change_watched_files
        options = params.initialization_options
        name = "" if params.client_info is None else params.client_info.name
        edits = EditSupport.of(capabilities)
        return cls(
            name=name,
            edits=replace(edits, least_version=1) if name == "Neovim" else edits,
            literals=actions.code_action_literal_support is not None,
            disabled=bool(actions.disabled_support),
            tags=types.CodeActionTag.LlmGenerated in tags,
            progress=bool(window.work_done_progress),
            show_document=window.show_document is not None and window.show_document.support,
            configuration=bool(workspace.configuration),
            watches=watching is not None and bool(watching.dynamic_registration),
            waits=_seconds(options.get("answer_within")) if isinstance(options, Mapping) else None,
            options={key: value for key, value in options.items() if key not in _OWN}
            if isinstance(options, Mapping)
            else {},
            folders=_folders(params),
        )

    @property
    def trusted(self) -> bool | None:
        """The editor's own word on the workspace."""
        said = self.options.get("trusted")
        return said if isinstance(said, bool) else None

    def answer_within(self, setting: float | None) -> float:
        """Seconds after which a command answers "running"; `setting` is the user's own."""
        section = self.options.get("lsp")
        nested = _seconds(section.get("answer_within")) if isinstance(section, Mapping) else None
        for said in (self.waits, nested, setting):
            if said is not None:
                return said
        return PATIENT_SECONDS if self.name.lower().startswith(_PATIENT) else ANSWER_SECONDS


def _seconds(value: object) -> float | None:
    """A time that makes sense; anything else is as if it were not there."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    return None


def _folders(params: types.InitializeParams) -> tuple[Path, ...]:
    """The workspace folders; an editor that knows none of them may still name one root."""
    if params.workspace_folders:
        paths = [path_of(folder.uri) for folder in params.workspace_folders]
        return tuple(path for path in paths if path is not None)
    if params.root_uri is not None:
        root = path_of(params.root_uri)
    else:
        root = Path(params.root_path) if params.root_path else None
    return () if root is None else (root,)
