"""Which provider answers, and what the user must have said before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from opencrates_lsp import providers
from opencrates_lsp.credentials import AMBIENT, Secret, secret, variable_of
from opencrates_lsp.errors import Declined, Missing, WrongUsage
from opencrates_lsp.events import Bus
from opencrates_lsp.face import Face
from opencrates_lsp.home import Home
from opencrates_lsp.providers.base import Provider, endpoint_host, is_loopback
from opencrates_lsp.providers.prices import Price, price_of
from opencrates_lsp.providers.wrap import Fallback, Guarded, Metered
from opencrates_lsp.redaction.gate import Gate, LeftOut, told
from opencrates_lsp.settings import Loaded
from opencrates_lsp.settings.models import Settings
from opencrates_lsp.store import Store
from opencrates_lsp.values import Question

SEND = "Send"
KEEP = "Do not send"
ASK_ANYWAY = "Ask it anyway"
_OFFLINE_REMEDY = 'Set ai.provider to "offline", or run the action again and allow it.'


class Models:
    """The providers of one face; `selected` is the one that the user switched to by hand."""

    def __init__(
        self, home: Home, env: Mapping[str, str], store: Store, bus: Bus, notify: Callable[[str], None]
    ) -> None:
        self.selected: str | None = None
        self._notify = notify
        self._told: set[str] = set()
        self._home = home
        self._env = env
        self._store = store
        self._bus = bus
        self._made: dict[tuple[object, ...], Provider] = {}

    def select(self, name: str) -> None:
        """Take this provider from now on; "auto" is back to the settings."""
        if name != "auto" and name not in providers.BUILTIN:
            raise WrongUsage(
                f"There is no provider {name!r}.", remedy=f"There are: auto, {', '.join(providers.BUILTIN)}."
            )
        self.selected = None if name == "auto" else name

    def name(self, loaded: Loaded) -> str:
        """Who would answer, without asking anybody: "auto" is a configured endpoint or a key, else offline."""
        chosen = self.selected or loaded.settings.ai.provider
        if chosen != "auto":
            return chosen
        has_key = any(self._env.get(name) for name in ("OPENCRATES_SECRET_OPENAI", "OPENCRATES_SECRET_OPENAI_FILE"))
        return "openai" if _is_configured(loaded) or has_key or self._env.get(AMBIENT["openai"]) else "offline"

    async def provider(self, root: Path, loaded: Loaded, face: Face, gate: Gate) -> Provider:
        """The provider for the workspace at `root`, metered, with those to fall back to; asks for what needs a yes.

        What goes to it goes through the gate.
        Raises `Declined` when the user does not want the code to be sent, `Missing` without a key.
        """
        settings = loaded.settings
        name = self.name(loaded)
        chosen = self.selected is not None or settings.ai.provider != "auto" or _is_configured(loaded)
        try:
            first = await self._guarded(name, root, settings, face, gate)
        except Declined:
            if chosen:
                raise
            # A key that merely lies about is no choice of the user's: without a yes there is no model.
            return self.offline()
        names = [other for other in settings.ai.fallback if other != name]
        others = [await self._guarded(other, root, settings, face, gate) for other in names]
        return Fallback([first, *others]) if others else first

    def offline(self) -> Provider:
        """The provider that needs nobody's yes."""
        return self._kept(("offline",), lambda: self._metered(providers.create("offline"), (0.0, 0.0), None))

    async def _guarded(self, name: str, root: Path, settings: Settings, face: Face, gate: Gate) -> Provider:
        """The provider of this name behind the gate; offline nothing is sent, and the text itself is needed."""
        provider = await self._one(name, root, settings, face)
        return Guarded(provider, gate, self._left_out) if provider.converses else provider

    def _left_out(self, secrets: Sequence[LeftOut]) -> None:
        """Tell the user once a session of each sum."""
        said = told(secrets)
        if said not in self._told:
            self._told.add(said)
            self._notify(said)

    async def _one(self, name: str, root: Path, settings: Settings, face: Face) -> Provider:
        if name == "offline":
            return self.offline()
        if name != "openai":
            return providers.create(name)
        openai, cap = settings.ai.openai, settings.ai.day_cap_usd
        local = is_loopback(openai.base_url)
        price = price_of(openai.model, settings.ai.prices, loopback=local)
        key = await secret(openai.credential, self._env, self._home)
        if key is not None and not key.given and local:
            # A server on this machine needs no key, least of all one that was meant for somebody else.
            key = None
        if key is not None and not key.given and endpoint_host(openai.base_url) != "api.openai.com":
            raise Missing(
                f"{key.origin} is a key for OpenAI, and {endpoint_host(openai.base_url)} is not.",
                remedy=f"Give the key of that endpoint in {variable_of(openai.credential)}.",
            )
        if key is None and not local:
            # Said before the user is asked for anything: without a key there is nothing to consent to.
            raise Missing(
                f"There is no key for {endpoint_host(openai.base_url)}.",
                remedy=f"Set {variable_of(openai.credential)}; any word will do for a server that asks for none.",
            )
        if not local:
            await self._consent(root, settings, face)
            if price is None and cap is not None:
                await self._unpriced(openai.model, face)
        made = (name, openai, settings.ai.timeout_seconds, cap, key.reveal() if key else None)
        return self._kept(made, lambda: self._metered(self._openai(settings, key), price, cap))

    def _openai(self, settings: Settings, key: Secret | None) -> Provider:
        openai = settings.ai.openai
        return providers.create(
            "openai",
            base_url=openai.base_url,
            model=openai.model,
            api_key=key,
            timeout_seconds=settings.ai.timeout_seconds,
        )

    def _kept(self, key: tuple[object, ...], make: Callable[[], Provider]) -> Provider:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _metered(self, provider: Provider, price: Price | None, cap: float | None) -> Provider:
        calls = self._store.usage

        async def reserve(name: str, model: str, cost_usd: float) -> str:
            return await calls.reserve(name, model, cost_usd, cap)

        return Metered(provider, price=price, reserve=reserve, settle=calls.settle, publish=self._bus.publish)

    async def _consent(self, root: Path, settings: Settings, face: Face) -> None:
        """Ask once a workspace, endpoint and model, before anything leaves the machine."""
        openai, cap = settings.ai.openai, settings.ai.day_cap_usd
        host = endpoint_host(openai.base_url)
        spends = "no daily cap is set" if cap is None else f"at most {cap:.2f} USD a day are spent"
        said = await self._said(
            f"{root}\n{openai.base_url}\n{openai.model}",
            Question(
                f"Send code of {root.name} to {host}? {openai.model} is shown the item to fill, the types "
                f"that it names, its callers and tests, at most {settings.context.max_tokens} tokens a request; "
                f"{spends}.",
                (SEND, KEEP),
                detail=str(root),
            ),
            face,
        )
        if said != SEND:
            raise Declined(f"No code of {root.name} goes to {host}.", remedy=_OFFLINE_REMEDY)

    async def _unpriced(self, model: str, face: Face) -> None:
        """With a cap set, a model of unknown price is asked only after a yes: its cost cannot be counted."""
        text = f"The price of {model} is not known, so the daily budget cannot hold it back. Ask it all the same?"
        if await self._said(f"unpriced\n{model}", Question(text, (ASK_ANYWAY, KEEP)), face) != ASK_ANYWAY:
            raise Declined(
                f"{model} was not asked: its price is not known.",
                remedy='Set it under [ai.prices], or ai.daily_budget_usd to "none".',
            )

    async def _said(self, key: str, question: Question, face: Face) -> str | None:
        """What the user said to this question, now or before; a no is asked again, since it may have been haste."""
        remembered = self._store.remembered
        said = await remembered.recall("consent", key)
        if said is None:
            said = await face.ask(question)
            if said == question.choices[0]:
                await remembered.remember("consent", key, said)
        return said

    async def close(self) -> None:
        """Close the connections."""
        made, self._made = self._made, {}
        for provider in made.values():
            await provider.close()


def _is_configured(loaded: Loaded) -> bool:
    """Whether the user named an endpoint or a model of his own."""
    return any(key in loaded.origins for key in ("ai.openai.base_url", "ai.openai.model"))
