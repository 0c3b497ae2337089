"""Whatever is wrong with the input: a message that says what to do, nothing lost, nothing changed, the server lives."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from drive import (
    ANSWER,
    FILLED,
    LIB,
    MANIFEST,
    Editor,
    crate,
    editor,
    history,
    nothing_changes,
    path_without_cargo,
    program,
    recorded,
    texts,
)
from lsp import SERVER
from lsprotocol import types
from model_server import Request, model_server
from pygls.exceptions import JsonRpcException

from opencrates_lsp.values import Span

MEMORY = next((place for place in (Path("/dev/shm"),) if place.is_mount() and os.access(place, os.W_OK)), None)
OTHER = "pub fn other() -> u32 {\n    1\n}\n"


def opened(user: Editor, name: str = "lib") -> Path:
    path = user.root / "src" / f"{name}.rs"
    user.open(path)
    return path


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (None, ("There is no Cargo.toml", "cargo init")),
        ('[package]\nname = "tiny"\nversion = = "0.1.0"\n', ("Cargo.toml:3:11", "Mend this")),
        ('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "1999"\n', ("tiny/Cargo.toml", "`edition`", "1999")),
        ('[workspace]\nmembers = ["gone"]\n', ("tiny/Cargo.toml: failed to read", "gone/Cargo.toml")),
    ],
    ids=["none", "no toml", "no edition", "a member that is gone"],
)
async def test_a_manifest_that_tells_nothing(manifest: str | None, words: Sequence[str], tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    (root / "Cargo.toml").unlink()
    if manifest is not None:
        (root / "Cargo.toml").write_text(manifest)
    asked: list[str] = []

    def script(request: Request) -> str:
        asked.append(request.prompt)
        return ANSWER

    async with model_server(script) as server, editor(root, tmp_path / "home", model=server.url) as user:
        path = opened(user)
        async with nothing_changes(user):
            answer = await user.fill(path)
            assert answer["state"] == "refused"
            assert not asked
            assert user.shows(answer)
            for word in words:
                assert word in answer["reason"]
        # Once it is mended, the same server takes it.
        (root / "Cargo.toml").write_text(MANIFEST)
        assert (await user.fill(path))["state"] == "applied"
    assert await history(tmp_path / "home")


async def test_a_buffer_that_was_never_saved_is_filled_where_a_mod_reaches_it(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", "mod fresh;\npub use fresh::twice;\n")
    path = root / "src" / "fresh.rs"
    async with model_server([ANSWER]) as server, editor(root, tmp_path / "home", model=server.url) as user:
        opened(user)
        user.open(path, LIB)
        answer = await user.fill(path)
        assert answer["state"] == "applied", answer["reason"]
        assert answer["verdict"]["reached"] is True
        assert user.text(path) == FILLED
        assert not path.exists()


async def test_a_buffer_that_is_no_file_is_told_to_be_saved(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with editor(root, tmp_path / "home") as user:
        uri = "untitled:Untitled-1"
        user.client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "rust", 1, LIB)))
        async with nothing_changes(user):
            at = types.Position(1, 4)
            params = types.CodeActionParams(
                types.TextDocumentIdentifier(uri), types.Range(at, at), types.CodeActionContext([])
            )
            assert not await user.client.text_document_code_action_async(params)
            with pytest.raises(JsonRpcException, match="Save it into a crate first"):
                await user.ask("fill", uri=uri, position={"line": 1, "character": 4})


@pytest.mark.parametrize("where", ["/proc/opencrates", "file"])
async def test_a_home_that_cannot_be_written_is_named_with_what_to_do(where: str, tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    (tmp_path / "file").touch()
    home = Path(where) if where.startswith("/") else tmp_path / "file"
    async with editor(root, home) as user:
        path = opened(user)
        before = texts(root)
        for _ in range(2):
            answer = await user.fill(path)
            assert answer["state"] == "refused"
            assert str(home) in answer["reason"]
            assert user.shows(answer)
        assert await user.code_actions(path, LIB.index("todo"))
        assert (texts(root), user.text(path), user.edits) == (before, LIB, [])


async def test_a_cache_that_cannot_be_written_or_was_cleared_is_no_end(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    home.mkdir()
    (home / "cache").touch()
    async with model_server(lambda request: ANSWER) as server, editor(root, home, model=server.url) as user:
        path = opened(user)
        async with nothing_changes(user):
            answer = await user.fill(path)
            assert answer["state"] == "refused"
            assert f"{home}/cache" in answer["reason"]
            assert "OPENCRATES_HOME" in answer["reason"]
        (home / "cache").unlink()
        assert (await user.fill(path))["state"] == "applied"
        await user.ask("undo")
        shutil.rmtree(home / "cache")
        answer = await user.fill(path)
        assert (answer["state"], answer["verdict"]["reached"]) == ("applied", True), answer["reason"]


def read_only(root: Path, home: Path) -> Sequence[str]:
    """A command line that makes nothing but `home` writable, even for root; empty where that cannot be had."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return ()
    inside = [bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", str(home), str(home)]
    tried = subprocess.run([*inside, "sh", "-c", f"! touch {root}/x 2>&1"], check=False, capture_output=True)
    return inside if tried.returncode == 0 else ()


async def test_a_workspace_that_is_read_only_is_filled_in_the_buffer(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    home.mkdir()
    inside = await asyncio.to_thread(read_only, root, home)
    if not inside:
        pytest.skip("bubblewrap cannot be used here, and chmod does not hold root back")
    before = texts(root)
    async with (
        model_server([ANSWER]) as server,
        editor(root, home, model=server.url, command=[*inside, *SERVER], env={"TMPDIR": str(home)}) as user,
    ):
        path = opened(user)
        answer = await user.fill(path)
        assert answer["state"] == "applied", answer["reason"]
        assert answer["verdict"]["reached"] is True
        made = await user.ask("newCrate", name="fresh", path=str(root / "fresh"))
        assert made["state"] == "refused"
        assert "fresh" in made["reason"]
        assert user.text(path) == FILLED
    assert texts(root) == before


async def test_a_workspace_on_another_file_system_is_proved_all_the_same(tmp_path: Path) -> None:
    if MEMORY is None:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        root = crate(Path(folder) / "tiny")
        async with model_server([ANSWER]) as server, editor(root, tmp_path / "home", model=server.url) as user:
            path = opened(user)
            answer = await user.fill(path)
            assert (answer["state"], answer["verdict"]["reached"]) == ("applied", True), answer
            assert user.text(path) == FILLED


async def test_an_error_elsewhere_is_in_the_baseline_and_no_reason_to_refuse(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", f"mod other;\n{LIB}", other='pub fn other() -> u32 {\n    "one"\n}\n')
    async with model_server([ANSWER]) as server, editor(root, tmp_path / "home", model=server.url) as user:
        path = opened(user)
        answer = await user.fill(path)
        assert answer["state"] == "applied", answer["reason"]
        verdict = answer["verdict"]
        assert (verdict["reached"], verdict["baseline_errors"], verdict["new_errors"]) == (True, 1, [])
        assert user.text(path) == f"mod other;\n{FILLED}"


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("lib", {"lib": f"mod other;\n{LIB}", "other": "\npub fn other( -> u32 { 1 }\n"}, "src/other.rs:2"),
        ("lost", {"lost": LIB, "lib": OTHER}, "no `mod` reaches src/lost.rs"),
    ],
    ids=["syntax error elsewhere", "no mod"],
)
async def test_what_rustc_does_not_look_at_is_asked_about(
    name: str, files: dict[str, str], words: str, accepted: bool, tmp_path: Path
) -> None:
    root = crate(tmp_path / "tiny", **files)
    said = "Apply after a syntax check only" if accepted else None
    async with (
        model_server([ANSWER]) as server,
        editor(root, tmp_path / "home", model=server.url, answer=lambda message, choices: said) as user,
    ):
        path = opened(user, name)
        if accepted:
            answer = await user.fill(path)
            assert (answer["state"], answer["verdict"]["level"]) == ("applied", "parse"), answer
            assert user.text(path) == files[name].replace("todo!()", "x * 2")
            assert "syntax check only" in user.messages[-1]
        else:
            async with nothing_changes(user):
                answer = await user.fill(path)
                assert answer["state"] == "declined"
                assert words in answer["reason"]
                assert user.shows(answer)
        assert len(user.asked) == 1
        assert words in user.asked[0]


async def test_without_cargo_the_syntax_is_all_that_is_looked_at_and_that_is_said(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    env = path_without_cargo(tmp_path)
    async with model_server([ANSWER]) as server, editor(root, tmp_path / "home", model=server.url, env=env) as user:
        path = opened(user)
        answer = await user.fill(path)
        assert (answer["state"], answer["verdict"]["level"], answer["verdict"]["reached"]) == (
            "applied",
            "parse",
            False,
        ), answer
        assert "There is no cargo on the PATH" in user.messages[-1]
        async with nothing_changes(user):
            made = await user.ask("newCrate", name="fresh")
            assert made["state"] == "refused"
            assert "rustup" in made["reason"]


async def test_nothing_of_an_untrusted_folder_is_run(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", f"{LIB}pub fn thrice(x: u32) -> u32 {{\n    todo!()\n}}\n")
    (root / "opencrates.toml").write_text('[verify]\nlevel = "nonsense"\n')
    (root / "build.rs").write_text("fn main() {}\n")
    mark = tmp_path / "mark"
    for name in ("cargo", "rustc", "rustfmt", "rustup"):
        program(tmp_path / "bin", name, f"open({str(mark)!r}, 'a').write({name!r})")
    env = path_without_cargo(tmp_path / "bin")
    thrice = ANSWER.replace("twice", "thrice").replace("* 2", "* 3")
    options = {"trusted": None}
    asked: list[str] = []

    def untrusting(message: str, choices: Sequence[str]) -> str:
        asked.append(message)
        return "Syntax check only"

    async with model_server([ANSWER, thrice]) as server:
        home = tmp_path / "home"
        async with editor(root, home, model=server.url, env=env, answer=untrusting, options=options) as user:
            path = opened(user)
            answer = await user.fill(path)
            assert (answer["state"], answer["verdict"]["level"]) == ("applied", "parse"), answer
            assert "not trusted" in user.messages[-1]
            user.save_all()
        # What was said is remembered by the next server.
        async with editor(root, home, model=server.url, env=env, answer=untrusting, options=options) as user:
            path = opened(user)
            assert (await user.fill(path))["state"] == "applied"
            async with nothing_changes(user):
                made = await user.ask("newCrate", name="fresh")
                assert made["state"] == "refused"
                assert "--trust" in made["reason"]
            assert not any("nonsense" in message or "opencrates.toml" in message for message in user.messages)
    assert len(asked) == 1
    assert "Trust tiny?" in asked[0]
    assert not mark.exists(), mark.read_text()


async def test_a_wrong_setting_is_shown_with_its_place_and_the_rest_works(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    (root / "opencrates.toml").write_text('[verify]\nlevel = "twice"\n')
    (tmp_path / "home" / "config").mkdir(parents=True)
    (tmp_path / "home" / "config" / "config.toml").write_text("[context]\n\nmax_tokens = -5\n")
    options = {"policy": {"unsafe": "perhaps"}, "nonsense": {"key": 1}}
    async with (
        model_server([ANSWER]) as server,
        editor(root, tmp_path / "home", model=server.url, options=options, ai__max_output_tokens="many") as user,
    ):
        path = opened(user)
        answer = await user.fill(path)
        assert answer["state"] == "applied", answer["reason"]
        assert user.text(path) == FILLED
        for place in (
            f"{root}/opencrates.toml:2",
            "config.toml:3",
            "OPENCRATES_AI__MAX_OUTPUT_TOKENS",
            "initializationOptions: `policy.unsafe`",
            "initializationOptions: `nonsense",
        ):
            assert sum(place in message for message in user.messages) == 1, (place, user.messages)
        # The message of the fill, one a problem, and nothing about what editors pass beside settings.
        assert len(user.messages) == 6, user.messages


async def test_settings_that_a_repository_reaches_may_only_tighten(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with model_server([ANSWER]) as server:
        user = editor(root, tmp_path / "home", model=server.url)
        user.name, user.capabilities = recorded("vscode-1.139")
        user.settings = {"verify": {"level": "off"}, "ai": {"openai": {"base_url": "http://other.example/v1"}}}
        async with user:
            answer = await user.fill(opened(user))
            assert (answer["state"], answer["verdict"]["level"]) == ("applied", "check"), answer["reason"]
            assert any("workspace/configuration: `ai.openai.base_url`" in message for message in user.messages)


WRONG = [
    ("fill", [], "uri: is missing"),
    ("fill", [{"uri": "URI"}], "position: is missing"),
    ("fill", [{"uri": "URI", "position": {"line": -1, "character": 0}}], "position: has to be"),
    ("fill", [{"uri": "URI", "position": {"line": 1, "character": 4}, "more": 1}], "more: there is no such field"),
    ("fill", [{"uri": 7, "position": {"line": 1, "character": 4}}], "uri: has to be"),
    ("fill", ["URI"], "one object"),
    ("fill", [{}, {}], "one object"),
    ("fill", [{"uri": "http://somewhere/x.rs", "position": {"line": 1, "character": 4}}], "no file"),
    ("newCrate", [{}], "name: is missing"),
    ("newCrate", [{"name": "fresh", "kind": ["lib"]}], "kind: is not a text"),
    ("newCrate", [{"name": "fresh", "path": "../.."}], "leads out of"),
    ("jobs", [{"job": "never"}], "never"),
    ("history", [{"limit": 0}], "limit"),
    ("selectProvider", [{"name": "oracle"}], "oracle"),
    ("showPrompt", [{"uri": "URI", "position": {"line": 1, "character": 4}, "action": "bake"}], "bake"),
    ("fly", [{}], "fly"),
]


async def test_wrong_arguments_are_invalid_params_that_name_what_is_wrong(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with editor(root, tmp_path / "home") as user:
        path = opened(user)
        async with nothing_changes(user):
            for name, arguments, words in WRONG:
                given = json.loads(json.dumps(arguments).replace("URI", path.as_uri()))
                with pytest.raises(JsonRpcException) as raised:
                    await user.execute(f"opencrates.{name}", *given)
                assert raised.value.code == -32602, (name, arguments, raised.value)
                assert words in raised.value.message, (name, arguments, raised.value.message)
            # What is well-formed and cannot be had is refused, and shown.
            for name, argument, words in (
                ("undo", {"id": "never"}, "There is no change never"),
                ("newCrate", {"name": "no good name!"}, "cannot be a package's name"),
                ("newCrate", {"name": "fresh", "kind": "cathedral"}, "'cathedral' is none of"),
            ):
                answer = await user.ask(name, **argument)
                assert answer["state"] == "refused"
                assert words in answer["reason"]
                assert user.shows(answer)


async def test_a_hole_that_is_none_any_more_is_said_to_be_none(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with editor(root, tmp_path / "home") as user:
        path = opened(user)
        hole = user.hole(path)
        start = LIB.index("todo")
        user.type(path, Span(start, start + len("todo!()")), "x + x")
        async with nothing_changes(user):
            for position in (hole["position"], {"line": 4711, "character": 815}):
                answer = await user.ask("fill", uri=hole["uri"], position=position)
                assert answer["state"] == "refused"
                assert "There is no hole at the cursor" in answer["reason"]
                assert user.shows(answer)
            answer = await user.ask("fillFile", uri=hole["uri"])
            assert answer["state"] == "refused"
            assert "hole" in answer["reason"]
            gone = await user.ask("fill", uri=(root / "src" / "gone.rs").as_uri(), position=hole["position"])
            assert gone["state"] == "refused"
            assert "gone.rs" in gone["reason"]
