"""Build scripts and macros of a model that do harm while they are checked, and what they leave for the next check."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from prover import MANIFEST, Prover, Provers, lay

from opencrates_lsp.values import Level
from opencrates_lsp.verify.bounds import Bounds
from opencrates_lsp.verify.sandbox import probe

pytestmark = [
    pytest.mark.proof,
    # Beside each other their processes would be counted against whoever is watched.
    pytest.mark.xdist_group("hostile"),
    pytest.mark.skipif(sys.platform != "linux", reason="There is bubblewrap on Linux alone."),
]

SCRIPT = {"Cargo.toml": MANIFEST.format(name="a"), "src/lib.rs": "", "build.rs": "fn main() { todo!() }\n"}
MACRO = {
    "Cargo.toml": '[workspace]\nmembers = ["m", "u"]\nresolver = "2"\n',
    "m/Cargo.toml": MANIFEST.format(name="m") + "[lib]\nproc-macro = true\n",
    "m/src/lib.rs": "use proc_macro::TokenStream;\nfn act() { todo!() }\n"
    "#[proc_macro]\npub fn one(_: TokenStream) -> TokenStream { act(); \"1\".parse().unwrap() }\n",
    "u/Cargo.toml": MANIFEST.format(name="u") + '[dependencies]\nm = { path = "../m" }\n',
    "u/src/lib.rs": "pub const X: u8 = m::one!();\n",
}  # fmt: skip


async def sandboxed(provers: Provers, files: dict[str, str]) -> Prover:
    prover = await provers(files)
    if await probe(prover.ground.toolchain.env) is None:
        pytest.skip("bubblewrap does not work on this machine.")
    return prover


@pytest.mark.parametrize(("files", "file"), [(SCRIPT, "build.rs"), (MACRO, "m/src/lib.rs")], ids=["script", "macro"])
async def test_it_is_kept_in_and_stopped(provers: Provers, tmp_path: Path, files: dict[str, str], file: str) -> None:
    prover = await sandboxed(provers, files)
    (tmp_path / "secret").write_text("planted")
    proof = await prover.prepare(file)
    kept_in = f"""{{
        assert!(std::fs::read({str(tmp_path / "secret")!r}).is_err());
        assert!(std::net::TcpStream::connect("127.0.0.1:1").is_err());
        let _ = std::fs::write({str(tmp_path / "made")!r}, "");
    }}""".replace("'", '"')
    verdict = await prover.judge(proof, kept_in, whole_workspace=True)
    assert (verdict.passed, (tmp_path / "made").exists()) == (True, False), verdict
    proof = replace(proof, ground=replace(prover.ground, bounds=Bounds(deadline_seconds=5)))
    script = "exec </dev/null >/dev/null 2>&1; while :; do sleep 1; done"
    marker = f"opencrates-{os.getpid()}-{tmp_path.name}"
    stays = f"""{{
        std::process::Command::new("/bin/sh").args(["-c", "{script}", "{marker}"]).spawn().unwrap();
        loop {{ std::thread::sleep(std::time::Duration::from_secs(60)); }}
    }}"""
    verdict = await prover.judge(proof, stays, whole_workspace=True)
    assert not verdict.passed
    assert "it ran longer than 5 s and was killed" in "\n".join(one.message for one in verdict.new_errors)
    assert [one for one in psutil.process_iter(["cmdline"]) if marker in (one.info["cmdline"] or ())] == []


async def test_what_it_plants_is_never_run_outside(provers: Provers, tmp_path: Path) -> None:
    """Settings of cargo, programs in the place of build scripts, libraries in the place of macros."""
    files = {
        "Cargo.toml": MANIFEST.format(name="a"),
        "build.rs": 'fn main() { println!("cargo:rerun-if-changed=data") }\n',
        "data": "1",
        "src/lib.rs": "pub fn f() -> u8 { 1 }\n#[test]\nfn t() { assert_eq!(f(), 1); }\n",
    }
    prover = await sandboxed(provers, files)
    ran = tmp_path / "ran"
    proof = await prover.prepare("src/lib.rs", "f", level=Level.TEST)
    body = f"""{{
        use std::os::unix::fs::PermissionsExt;
        let program = "#!/bin/sh\\ntouch {ran}\\nexec \\"$@\\"\\n";
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let place = root.join("evil");
        std::fs::write(&place, program).unwrap();
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o755)).unwrap();
        for above in root.ancestors() {{
            let _ = std::fs::create_dir(above.join(".cargo"));
            let text = format!("[build]\\nrustc-wrapper = {{place:?}}\\n");
            let _ = std::fs::write(above.join(".cargo/config.toml"), text);
        }}
        let mirror = root.ancestors().find(|one| one.join("tree").is_dir()).unwrap();
        let mut waiting = vec![mirror.to_path_buf()];
        while let Some(folder) = waiting.pop() {{
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {{
                let path = entry.path();
                if path.is_dir() {{ waiting.push(path); continue; }}
                let name = entry.file_name().to_string_lossy().replace("_", "-");
                let built = path.to_string_lossy().contains("/build/") && !name.ends_with(".d");
                if built && name.starts_with("build-script-build") || name.ends_with(".so") {{
                    let _ = std::fs::remove_file(&path);
                    let _ = std::fs::write(&path, program);
                    let _ = std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755));
                }}
            }}
        }}
        1
    }}"""
    verdict = await prover.judge(proof, body)
    assert verdict.passed, verdict
    # What was planted may run where it was planted: in the sandbox.
    lay(prover.root, {"data": "2"})
    again = await prover.prepare("src/lib.rs", "f", level=Level.CHECK)
    assert again.reached
    assert (await prover.judge(again, "{ 2 }")).passed
    assert not ran.exists()
    await prover.verifier.close()
    tree = prover.mirrors()[0] / "tree"
    assert not [path for path in tree.rglob("*") if path.name in ("evil", "config.toml")]


async def test_what_a_killed_server_left_is_not_trusted(provers: Provers, tmp_path: Path) -> None:
    """A server that died while hostile code ran has not cleaned up after it."""
    prover = await sandboxed(provers, {"Cargo.toml": MANIFEST.format(name="a"), "src/lib.rs": "pub mod m;\n"
        "pub fn f() -> u8 { todo!() }\n", "src/m.rs": "pub fn g() -> u8 { 1 }\n"})  # fmt: skip
    assert (await prover.prepare()).reached
    await prover.verifier.close()
    mirror = prover.mirrors()[0]
    own = mirror / "tree" / prover.root.relative_to("/")
    (mirror / "running").touch()
    (own / "src/m.rs").unlink()
    (own / "src/m.rs").symlink_to(prover.root / "src/m.rs")
    (own / "src/deeper").symlink_to(tmp_path)
    os.mkfifo(own / "pipe")
    buffer = {"src/m.rs": b"pub fn g() -> u8 { 2 }\n"}
    again = await provers(None)
    assert (await asyncio.wait_for(again.prepare(buffers=buffer), 60)).reached
    proof = await again.prepare("src/lib.rs")
    assert (await again.judge(proof, "{ m::g() }")).passed
    assert (prover.root / "src/m.rs").read_text() == "pub fn g() -> u8 { 1 }\n"
    assert not list(own.rglob("pipe"))
    assert not (mirror / "running").exists()


@pytest.mark.parametrize("name", ["Cargo.toml", ".cargo/config.toml"])
async def test_an_edit_of_what_cargo_obeys_is_checked_in_the_sandbox(provers: Provers, name: str) -> None:
    files = {"Cargo.toml": MANIFEST.format(name="a"), "src/lib.rs": "pub fn f() -> u8 { todo!() }\n"}
    prover = await sandboxed(provers, {**files, ".cargo/config.toml": "[term]\nquiet = false\n"})
    proof = await prover.prepare()
    text = (prover.root / name).read_text() + "\n"
    verdict = await prover.verifier.judge(proof, {prover.root / name: text.encode()}, whole_workspace=False)
    assert verdict.sandbox.startswith("bubblewrap; "), verdict
