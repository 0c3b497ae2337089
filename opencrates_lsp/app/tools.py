"""What an action may use while it runs, built for one job: the provider, the prompts, the proof."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from opencrates_lsp.app.consent import Consent
from opencrates_lsp.app.workspaces import Workspace
from opencrates_lsp.errors import Missing
from opencrates_lsp.events import Bus, Verified
from opencrates_lsp.face import Face, Phase
from opencrates_lsp.jobs import Job
from opencrates_lsp.providers.base import Provider, model_of
from opencrates_lsp.providers.wrap import overheard
from opencrates_lsp.redaction.gate import MARKER, Gate
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.packing import BYTES_PER_TOKEN
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.store import Store
from opencrates_lsp.templates import Templates
from opencrates_lsp.terms import Limits, Lints, Policy
from opencrates_lsp.values import (
    Chunk,
    Diagnostic,
    Documents,
    Excerpt,
    Level,
    Prompt,
    Question,
    Span,
    Subject,
    Task,
    Usage,
    Verdict,
)
from opencrates_lsp.verify import format as formatting
from opencrates_lsp.verify import mends, telling
from opencrates_lsp.verify.proof import Proof
from opencrates_lsp.verify.quoting import unquoted
from opencrates_lsp.verify.verifier import Verifier

# How often a candidate is judged anew because other texts were typed meanwhile.
_PATIENCE = 3


class JobFace:
    """The face of one job: what it tells goes to the user, and into the list of jobs."""

    def __init__(self, face: Face, job: Job) -> None:
        self._face = face
        self._job = job

    def documents(self) -> Documents:
        return self._face.documents()

    def progress(self, phase: Phase, message: str = "") -> None:
        self._job.progress(phase, message)
        self._face.progress(phase, message)

    async def ask(self, question: Question) -> str | None:
        return await self._face.ask(question)


@dataclass(frozen=True, slots=True)
class Ready:
    """See `actions.base.Proof`; `proof` is None where no cargo is asked."""

    level: Level
    proof: Proof | None
    tools: JobTools

    @property
    def reached(self) -> bool:
        return self.proof is not None and self.proof.reached

    @property
    def reason(self) -> str | None:
        return None if self.proof is None else self.proof.reason

    async def judge(self, after: Mapping[Path, bytes | None], *, whole_workspace: bool) -> Verdict:
        if self.proof is None:
            verdict = Verdict(self.level, reached=False, configuration="none: nothing was compiled")
        else:
            verdict = await self.tools.judged(self.proof, after, whole_workspace=whole_workspace)
        self.tools.verified(verdict)
        return verdict


class JobTools:
    """See `actions.base.Tools`; `beside` are the other open texts of the last verdict."""

    def __init__(
        self,
        *,
        face: Face,
        job: str,
        action: str,
        path: Path,
        workspace: Workspace,
        provider: Provider,
        templates: Templates,
        verifier: Verifier,
        store: Store,
        bus: Bus,
        gate: Gate,
        lints: Lints,
    ) -> None:
        self.face = face
        self.beside: dict[Path, bytes] = {}
        self._job = job
        self._action = action
        self._path = path
        self._workspace = workspace
        self.calls: list[Usage] = []
        self.provider = overheard(provider, self.calls.append)
        self._templates = templates
        self._verifier = verifier
        self._store = store
        self._bus = bus
        self._consent = Consent(store, workspace.root, face)
        self.gate = gate
        self.lints = lints

    def on(self, face: Face) -> JobTools:
        """The same tools for another face of the same job."""
        tools = copy.copy(self)
        tools.face = face
        return tools

    @property
    def unproved(self) -> Missing | None:
        """Why no cargo runs here; None where it does."""
        return self._workspace.unproved

    async def may_be_shown(self) -> None:
        """Raise `Refused` where nothing of the file is sent to a model."""
        await asyncio.to_thread(self._workspace.may_be_shown, self._path)

    @property
    def limits(self) -> Limits:
        return self._workspace.settings.limits()

    @property
    def policy(self) -> Policy:
        return self._workspace.settings.policy.rules()

    @property
    def level(self) -> Level:
        return self._workspace.level

    @property
    def dependencies(self) -> frozenset[str] | None:
        package = self._workspace.layout.package_of(self._path)
        return package.dependencies if package is not None else None

    @property
    def converses(self) -> bool:
        return self.provider.converses

    async def callers(self, name: str, owner: str, path: Path) -> Sequence[str]:
        index = await self._workspace.index()
        return index.callers(name, owner, path, 4)

    async def calling(self, name: str, owner: str, path: Path) -> Sequence[Excerpt]:
        index = await self._workspace.index()
        return index.calling(name, owner, path, self._workspace.root, 4)

    async def defining(self, names: Sequence[str], path: Path) -> Mapping[str, Sequence[Excerpt]]:
        index = await self._workspace.index()
        return index.defining(names, path, self._workspace.root)

    async def locked(self, source: Source, item: Item) -> Sequence[Excerpt]:
        package = self._workspace.layout.package_of(self._path)
        limit = int(self.limits.context_tokens * BYTES_PER_TOKEN)
        return await self._workspace.registry.excerpts(source, item, package, self._path, limit)

    async def offered(self, module: str, inside: tuple[str, ...], source: Source) -> Excerpt | None:
        package = self._workspace.layout.package_of(self._path)
        return await self._workspace.registry.offered(module, inside, source, package, self._path)

    async def render(self, template: str, values: Mapping[str, object]) -> str:
        return await self._templates.render(template, values)

    def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        return self.provider.stream(prompt, task)

    async def recall(self, prompt: Prompt, candidate: int = 0) -> str | None:
        if not self.converses:
            return None
        return await self._store.remembered.recall("answer", await self._key(prompt, candidate))

    def restored(self, answer: str, text: bytes) -> str:
        return self.gate.restored(answer, text.decode("utf-8", "replace"))

    async def keep(self, prompt: Prompt, answer: str, candidate: int = 0) -> None:
        # Whose marker stands for which secret is known in this job alone.
        if self.converses and MARKER not in answer:
            await self._store.remembered.remember("answer", await self._key(prompt, candidate), answer)

    async def _key(self, prompt: Prompt, candidate: int) -> str:
        """What an answer is remembered by; how many were asked for at once is in the prompt."""
        toolchain = self._workspace.toolchain
        lock = await self._workspace.lock_digest()
        parts = [self.provider.name, model_of(self.provider), json.dumps(asdict(prompt)), str(candidate)]
        parts += [toolchain.version if toolchain else "", lock]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=32).hexdigest()

    async def prepare(self, subject: Subject, level: Level) -> Ready:
        ground = self._workspace.ground
        proof = None
        if ground is not None and level not in (Level.OFF, Level.PARSE):
            ground = replace(ground, consent=self._consent)
            proof = await self._verifier.prepare(ground, subject, level, self.face.documents(), self.face.progress)
        return Ready(level, proof, self)

    async def judged(self, proof: Proof, after: Mapping[Path, bytes | None], *, whole_workspace: bool) -> Verdict:
        """What the proof says of the candidate, among the texts as they are once it is judged.

        While somebody types what keeps rustc from the item, the candidate is judged among the texts from before.
        """
        behind = ""
        for _ in range(_PATIENCE):
            texts = self._texts(proof)
            if texts != proof.documents:
                later = await self._verifier.prepare(
                    proof.ground, proof.subject, proof.level, texts, self.face.progress, proof
                )
                proof, behind = (later, "") if later.reached else (proof, ", other files as they were before")
            verdict = await self._verifier.judge(
                proof, after, whole_workspace=whole_workspace, progress=self.face.progress
            )
            if self._texts(proof) == texts:
                break
        self.beside.clear()
        self.beside.update({path: text.text for path, text in texts.items() if path != proof.subject.path})
        return replace(verdict, configuration=verdict.configuration + behind)

    def _texts(self, proof: Proof) -> Documents:
        """What is open now, and the item's own file as the proof has it."""
        texts = {path: document for path, document in self.face.documents().items() if path != proof.subject.path}
        if proof.subject.path in proof.documents:
            texts[proof.subject.path] = proof.documents[proof.subject.path]
        return texts

    def verified(self, verdict: Verdict) -> None:
        """Tell whoever listens."""
        self._bus.publish(Verified(self._action, self._job, verdict))

    async def format(self, text: str, indent: str, newline: str) -> str:
        toolchain = self._workspace.toolchain
        if toolchain is None:
            return text
        # rustfmt looks for its configuration from the file's own folder upwards.
        folder = self._path.parent
        return await formatting.format_item(
            toolchain.rustfmt, text, indent, self._edition, folder, toolchain.env, newline=newline
        )

    async def rejected(self, text: str) -> str | None:
        toolchain = self._workspace.toolchain
        if toolchain is None:
            return "tree-sitter does not understand it, and no rustc may be asked."
        return await formatting.rejected(toolchain.rustc, text, self._edition, toolchain.env)

    @property
    def _edition(self) -> str:
        package = self._workspace.layout.package_of(self._path)
        return package.edition if package is not None else "2021"

    def suggested(self, text: bytes, path: Path, errors: Sequence[Diagnostic], within: Span) -> bytes | None:
        return mends.suggested(text, path, errors, within) or mends.imported(text, path, errors)

    def explain(self, errors: Sequence[Diagnostic], path: Path, text: bytes, within: Span) -> str:
        root, ignored = self._workspace.root, self._workspace.ignored
        told = [replace(one, rendered=unquoted(one.rendered, root, ignored.leaves_out)) for one in errors]
        return telling.explain(told, path, text, within)
