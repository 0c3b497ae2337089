"""Every setting: its type, its default, what it does, and the mark that says what a project may do to it.

The text below a field is its documentation; `docs/settings.md` is made of it.
Parts take the plain values that the methods here give, never the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from opencrates_lsp import terms, values
from opencrates_lsp.settings.marks import Lower, Stricter, Taken, Union

# A leading hyphen would be read by cargo as one more argument.
_FEATURE = r"^[^\s,\-][^\s,]*$"
_WORD = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"
# A key in the address would be shown wherever the address is.
_ENDPOINT = r"^https?://[^\s/@?#]+(/[^\s?#]*)?$"
# A pattern with `!` takes an earlier one back, so that a later layer could loosen.
_IGNORED = r"^[^!\n]+$"
_CREDENTIAL = r"^[a-z][a-z0-9_-]*$"
SHAPES: Mapping[str, str] = {
    _FEATURE: "it must not begin with a hyphen, nor hold white space or commas",
    _WORD: "it must begin with a letter, a digit or `_` and go on with these, `.` and `-`",
    _ENDPOINT: "it must begin with http:// or https://, without a user, query or fragment",
    _IGNORED: "it must be one line without `!`",
    _CREDENTIAL: "it must begin with a small letter and go on with small letters, digits, `_` and `-`",
}
"""What each pattern of a text demands, for people."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Feature = Annotated[str, StringConstraints(pattern=_FEATURE, max_length=200)]
Word = Annotated[str, StringConstraints(pattern=_WORD, max_length=200)]
Endpoint = Annotated[str, StringConstraints(pattern=_ENDPOINT, max_length=2000)]
Pattern = Annotated[str, StringConstraints(pattern=_IGNORED, max_length=1000)]
Price = Annotated[float, Field(ge=0)]
Permission = Annotated[terms.Permission, Stricter(("allow", "confirm", "deny"))]


class Section(BaseModel):
    """What all sections share."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class OpenAI(Section):
    """Any endpoint that speaks as OpenAI's does."""

    base_url: Endpoint = "https://api.openai.com/v1"
    """Where requests go: OpenAI, a gateway, or a server of your own such as `http://localhost:11434/v1`."""

    model: Name = "gpt-5-mini"
    """The model that is asked for, as the endpoint names it."""

    credential: Annotated[str, StringConstraints(pattern=_CREDENTIAL, max_length=100)] = "openai"
    """The name of the secret that holds the key, never the key: `openai` is read from `OPENCRATES_SECRET_OPENAI`, from
    the file that `OPENCRATES_SECRET_OPENAI_FILE` names, or, once you said yes for a workspace, `OPENAI_API_KEY`."""


class Ai(Section):
    """Who is asked, and how much that may cost."""

    provider: Name = "auto"
    """`auto` (a configured one, else `offline`), `openai` or `offline`."""

    fallback: tuple[Name, ...] = ()
    """The providers to ask, in this order, when the first does not answer."""

    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """How long one answer may take."""

    max_output_tokens: Annotated[int, Field(ge=16, le=1_000_000)] = 4096
    """How long one answer may be."""

    daily_budget_usd: Annotated[Annotated[float, Field(ge=0)] | Literal["none"], Lower()] = 1.0
    """What paid calls may cost from midnight to midnight; 0 allows none that cost anything, `"none"` sets no cap."""

    prices: dict[Name, tuple[Price, Price]] = {}
    """`"model" = [input, output]` in USD per million tokens; added to the prices that are built in."""

    openai: OpenAI = OpenAI()

    @property
    def day_cap_usd(self) -> float | None:
        """The daily budget; None when there is no cap."""
        return None if isinstance(self.daily_budget_usd, str) else self.daily_budget_usd


class Cargo(Section):
    """What is compiled when an edit is checked."""

    features: Annotated[tuple[Feature, ...], Taken()] = ()
    """The features to turn on, as after `cargo --features`."""

    all_features: Annotated[bool, Taken()] = False
    """Whether every feature is turned on."""

    no_default_features: Annotated[bool, Taken()] = False
    """Whether the default features stay off."""

    target: Annotated[Word | None, Taken()] = None
    """The target triple; the host's when it is not set."""

    profile: Annotated[Word | None, Taken()] = None
    """The profile; cargo's own choice when it is not set."""

    toolchain: Word | None = None
    """The rustup toolchain; the folder's own (`rust-toolchain.toml`) when it is not set."""

    extra_env: dict[Name, str] = {}
    """Variables that cargo and rustc see beside the environment."""

    extra_args: tuple[Name, ...] = ()
    """Further arguments of every cargo command."""

    def configuration(self) -> terms.Configuration:
        """What the proof is told."""
        return terms.Configuration(
            features=self.features,
            all_features=self.all_features,
            no_default_features=self.no_default_features,
            target=self.target,
            profile=self.profile,
            toolchain=self.toolchain,
            extra_env=tuple(sorted(self.extra_env.items())),
            extra_args=self.extra_args,
        )


class Verify(Section):
    """How hard an edit is tried before it is believed."""

    level: Annotated[
        Literal["off", "parse", "check", "auto", "clippy", "test"],
        Stricter(("off", "parse", "check", "auto", "clippy", "test")),
    ] = "auto"
    """`auto` is `check`, and the tests that reach the change where they may run and `test_budget_seconds` allows;
    `clippy` counts warnings too; `test` runs the tests however long they take, all of the package where they are few.
    """

    test_budget_seconds: Annotated[float, Field(ge=0, le=3600)] = 20.0
    """How long the tests may take at `auto`, before an edit and after it; 0 runs none."""

    candidates: Annotated[int, Field(ge=1, le=8)] = 1
    """How many answers are asked for at once; the first that holds is taken, where tests ran the best of all."""

    max_repairs: Annotated[int, Field(ge=0, le=10)] = 2
    """How often the model is told the new errors and asked again."""

    sandbox: Literal["auto", "require", "off"] = "auto"
    """Where tests and build scripts run: `auto` (sandboxed where possible, else after consent), `require` (sandboxed
    or not at all) or `off`."""

    @property
    def floor(self) -> values.Level:
        """The level that every edit must reach."""
        return values.Level(self.level)


class Policy(Section):
    """What an edit may change without being asked: `deny`, `confirm` or `allow`."""

    signatures: Permission = "deny"
    """Signatures of functions, and the shape of types."""

    tests: Permission = "deny"
    """Tests that exist."""

    unsafe: Permission = "deny"
    """Code that is newly `unsafe`."""

    new_dependencies: Permission = "confirm"
    """Crates that the package does not depend on yet."""

    lints: Permission = "deny"
    """New attributes that silence lints (`allow`, `expect`, `warn`)."""

    panics: Permission = "deny"
    """New `unwrap`, `expect`, `panic!`, `todo!`, `unimplemented!`, `unreachable!` and indexing, where the crate's own
    clippy lints are set to `warn` or more against them."""

    capabilities: Permission = "deny"
    """New `include!`, `include_str!`, `include_bytes!`, `env!`, `option_env!`, `#[path]`, processes, and the network;
    files and the environment at run time are left alone."""

    def rules(self) -> terms.Policy:
        """What candidates are held against."""
        return terms.Policy(
            signatures=self.signatures,
            tests=self.tests,
            unsafe=self.unsafe,
            new_dependencies=self.new_dependencies,
            lints=self.lints,
            panics=self.panics,
            capabilities=self.capabilities,
        )


class Apply(Section):
    """How a proved edit gets into the buffer."""

    mode: Annotated[Literal["direct", "confirm"], Stricter(("direct", "confirm"))] = "direct"
    """`direct`, or `confirm`: each edit is asked about first."""


class Context(Section):
    """What a model is shown."""

    max_tokens: Annotated[int, Field(ge=256, le=1_000_000)] = 6000
    """How much of the surroundings goes into a prompt."""

    ignore: Annotated[tuple[Pattern, ...], Union()] = ()
    """Files that are never sent, as patterns of a .gitignore; beside `.gitignore`, `.aiignore` and `.aiexclude`."""


class Holes(Section):
    """The `todo!()`s in the editor."""

    diagnostics: Literal["hint", "off"] = "hint"
    """Whether holes are shown as hints."""


class Lsp(Section):
    """How the language server answers."""

    answer_within: Annotated[float, Field(ge=0, le=3600)] = 2.0
    """After so many seconds a command answers `running` and the work goes on; unless it is set, clients known to be
    patient are given 15."""


class Cache(Section):
    """What can be made again."""

    max_gb: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    """The mirrors and their targets on disk; the least recently used go first."""


class Monitoring(Section):
    """What is told of the work."""

    log_level: Literal["error", "warning", "info", "debug"] = "info"
    """How much is logged."""


class Settings(Section):
    """All settings; `Settings()` is the defaults."""

    ai: Ai = Ai()
    cargo: Cargo = Cargo()
    verify: Verify = Verify()
    policy: Policy = Policy()
    apply: Apply = Apply()
    context: Context = Context()
    holes: Holes = Holes()
    lsp: Lsp = Lsp()
    cache: Cache = Cache()
    monitoring: Monitoring = Monitoring()

    def limits(self) -> terms.Limits:
        """The bounds of one job."""
        return terms.Limits(
            context_tokens=self.context.max_tokens,
            max_output_tokens=self.ai.max_output_tokens,
            max_repairs=self.verify.max_repairs,
            candidates=self.verify.candidates,
            timeout_seconds=self.ai.timeout_seconds,
        )
