"""Small crates on which real cargo proves edits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from opencrates_lsp.rust.holes import holes, subject
from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Document, Level, Subject, Verdict
from opencrates_lsp.verify.proof import Proof
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain
from opencrates_lsp.verify.trial import Ground
from opencrates_lsp.verify.verifier import Verifier
from opencrates_lsp.workspace.layout import load_layout

MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'


def lay(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


@dataclass
class Prover:
    """A workspace and the verifier that proves edits of it."""

    root: Path
    cache: Path
    ground: Ground
    verifier: Verifier

    def subject(self, file: str, item: str | None = None, text: bytes | None = None) -> Subject:
        """The item of this name, or that of the first hole."""
        path = self.root / file
        source = parse(path.read_bytes() if text is None else text)
        found = (
            holes(source)[0].item if item is None else next(one for one in items(source) if one.identity.name == item)
        )
        return subject(source, path, found)

    async def prepare(
        self,
        file: str = "src/lib.rs",
        item: str | None = None,
        *,
        level: Level = Level.CHECK,
        buffers: Mapping[str, bytes] | None = None,
    ) -> Proof:
        documents = {self.root / name: Document(self.root / name, text, 1) for name, text in (buffers or {}).items()}
        text = (buffers or {}).get(file)
        return await self.verifier.prepare(self.ground, self.subject(file, item, text), level, documents)

    async def judge(self, proof: Proof, body: str, *, whole_workspace: bool = False) -> Verdict:
        """The verdict on another body (or expression) at the subject's probe."""
        subject = proof.subject
        known = proof.documents.get(subject.path)
        text = known.text if known is not None else subject.path.read_bytes()
        after = text[: subject.probe.start] + body.encode() + text[subject.probe.end :]
        return await self.verifier.judge(proof, {subject.path: after}, whole_workspace=whole_workspace)

    def consenting(self) -> Ground:
        """The same ground, where code may run without a sandbox if there is none."""
        return replace(self.ground, consent=True)

    def mirrors(self) -> list[Path]:
        return sorted(folder for folder in (self.cache / "mirrors").iterdir() if folder.is_dir())


class Provers:
    """Makes provers; all are closed in the end."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self.folder = folder
        self.toolchain = toolchain
        self.verifiers: list[Verifier] = []

    async def __call__(
        self,
        files: Mapping[str, str | bytes] | None = None,
        *,
        root: str = "a",
        cache: str = "cache",
        configuration: Configuration | None = None,
        checked: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Prover:
        """A prover of `root`, below which `files` are laid; `checked` runs the user's own cargo first.

        `env` are further variables of the user's, with which his toolchain is looked for in that folder.
        """
        place = lay(self.folder / root, files or {})
        if checked:
            self.users_check(place, env)
        toolchain = self.toolchain
        if env is not None:
            toolchain = await find_toolchain(place, configuration or Configuration(), {**os.environ, **env})
        cargo = [str(toolchain.cargo)]
        layout = await load_layout(place, cargo=cargo, env=toolchain.users_env, trusted=True)
        verifier = Verifier(self.folder / cache, max_gb=1)
        self.verifiers.append(verifier)
        ground = Ground(layout, toolchain, configuration or Configuration())
        return Prover(place, self.folder / cache, ground, verifier)

    def users_check(self, place: Path, env: Mapping[str, str] | None = None) -> bytes:
        argv = [str(self.toolchain.cargo), "check", "--offline", "--message-format=json"]
        given = {**self.toolchain.env, **(env or {})}
        return subprocess.run(argv, cwd=place, env=given, capture_output=True, check=False).stdout
