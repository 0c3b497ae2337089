"""What is told of crates as they are published: facades, macros that hide modules, twins of one name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from local_registry import CARGO, ask, lay

MANIFEST = """
[package]
name = "user"
version = "0.1.0"
edition = "2021"
[dependencies]
bitflags = "=2.9.1"
bitflags1 = { package = "bitflags", version = "=1.3.2" }
futures = { version = "=0.3.31", default-features = false, features = ["std"] }
rand = { version = "=0.8.5", default-features = false, features = ["std"] }
serde = "1"
regex = { version = "=1.11.1", default-features = false, features = ["std"] }
serde_json = "=1.0.140"
tokio = { version = "=1.45.1", features = ["sync"] }
"""
LIB = """
use futures::stream::StreamExt;
use rand::Rng;
use regex::Regex;
use serde_json::{Map, Value};
use tokio::sync::mpsc::{self, Receiver};

/// Replaces all digits.
pub fn digits(re: &Regex, text: &str) -> String { todo!() }
pub fn bytes(re: &regex::bytes::Regex) -> usize { todo!() }
pub fn names(value: &Value, map: &Map<String, Value>) -> serde_json::Result<Vec<String>> { todo!() }
pub fn roll(rng: &mut impl Rng) -> u8 { todo!() }
pub async fn drain(rx: &mut Receiver<u8>) -> Result<Vec<u8>, mpsc::error::TryRecvError> { todo!() }
pub async fn all(stream: impl futures::Stream<Item = u8>) -> Vec<u8> { stream.filter(); todo!() }
pub fn flags() { bitflags1::bitflags!(); bitflags::bitflags!(); todo!() }
pub fn write<S: serde::Serializer>(value: &impl serde::Serialize, into: S) -> Result<S::Ok, S::Error> { todo!() }
pub fn runs(runtime: &tokio::runtime::Runtime) { todo!() }
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(tmp_path_factory.mktemp("user"), {"Cargo.toml": MANIFEST, "src/lib.rs": LIB})
    for tried in (["--offline"], []):
        done = subprocess.run(
            [CARGO, "fetch", "-q", *tried], cwd=folder, capture_output=True, text=True, timeout=200, check=False
        )
        if done.returncode == 0:
            return folder / "src" / "lib.rs"
    pytest.skip(f"The registry is not reached: {done.stderr.strip()[-200:]}")


# For each function: what is told before all else, as (the beginning of its origin, reason, a line of its text).
FIRST = {
    "digits": [
        ("regex 1.11.1", "a type in the signature", "pub struct Regex {"),
        (
            "regex 1.11.1",
            "methods of `Regex`: a type in the signature",
            "    pub fn replace_all<'h, R: Replacer>(&self, haystack: &'h str, rep: R) -> Cow<'h, str>;",
        ),
        (
            "regex 1.11.1",
            "what `Regex` implements: a type in the signature",
            "impl core::str::FromStr for Regex { type Err = Error; }",
        ),
    ],
    "bytes": [
        ("regex 1.11.1", "a type in the signature", "pub struct Regex {"),
        (
            "regex 1.11.1",
            "methods of `Regex`: a type in the signature",
            "    pub fn is_match(&self, haystack: &[u8]) -> bool;",
        ),
    ],
    "names": [
        ("serde_json 1.0.140", "a type in the signature", "    Object(Map<String, Value>),"),
        (
            "serde_json 1.0.140",
            "methods of `Value`: a type in the signature",
            "    pub fn as_str(&self) -> Option<&str>;",
        ),
        ("serde_json 1.0.140", "what `Value` implements: a type in the signature", "impl From<bool> for Value {}"),
        ("serde_json 1.0.140", "a type in the signature", "pub struct Map<K, V> {"),
        (
            "serde_json 1.0.140",
            "methods of `Map`: a type in the signature",
            "    pub fn iter(&self) -> Iter;",
        ),
        (
            "serde_json 1.0.140",
            "what `Map` implements: a type in the signature",
            "impl Default for Map<String, Value> {}",
        ),
        ("serde_json 1.0.140", "a type in the signature", "pub type Result<T> = result::Result<T, Error>;"),
        ("serde_json 1.0.140", "what `Result` stands for", "pub struct Error {"),
    ],
    "roll": [
        ("rand 0.8.5", "a type in the signature", "    fn gen<T>(&mut self) -> T where Standard: Distribution<T>;"),
    ],
    "drain": [
        ("tokio 1.45.1", "a type in the signature", "pub struct Receiver<T> {"),
        (
            "tokio 1.45.1",
            "methods of `Receiver`: a type in the signature",
            "    pub fn try_recv(&mut self) -> Result<T, TryRecvError>;",
        ),
        ("tokio 1.45.1", "a type in the signature", "pub enum TryRecvError {"),
    ],
    "all": [
        ("futures-core", "a type in the signature", "pub trait Stream {"),
        ("futures-util", "imported in the file", "pub trait StreamExt: Stream {"),
    ],
    "write": [
        ("serde", "a type in the signature", "    fn serialize_bool(self, v: bool) -> Result<Self::Ok, Self::Error>;"),
        ("serde", "a type in the signature", "pub trait Serialize {"),
    ],
    "flags": [
        ("bitflags 1.3.2", "named in the body", "macro_rules! bitflags {"),
        ("bitflags 2.9.1", "named in the body", "macro_rules! bitflags {"),
    ],
    # The feature of tokio's runtime is off.
    "runs": [],
}


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", FIRST)
async def test_what_is_told_of_published_crates(user: Path, tmp_path: Path, name: str, trusted: bool) -> None:
    found = await (await ask(user, dict(os.environ), tmp_path, trusted))(name)
    told = [one for one in found if "imported in the file" not in one.reason or name == "all"]
    if name == "runs" and trusted:
        assert told == []
    for one, (origin, reason, line) in zip(told, FIRST[name], strict=False):
        assert one.origin.startswith(origin)
        assert one.reason == reason
        assert line in one.text.splitlines()
    assert len(told) >= len(FIRST[name])
