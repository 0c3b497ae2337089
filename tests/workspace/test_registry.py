"""What is told of dependencies: of the locked version, behind whatever names, and no more than is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_registry import Crates, lay

from opencrates_lsp.terms import Configuration

GAUGE_1 = """
/// A gauge.
///
/// It has a long story that nobody needs.
#[derive(Debug)]
pub struct Gauge {
    /// How full it is.
    pub level: u8,
    secret: u8,
}

impl Gauge {
    /// Reads it.
    ///
    /// # Panics
    /// Never.
    pub fn read(&self) -> u8 {
        self.level
    }
    fn hidden(&self) {}
    #[doc(hidden)]
    pub fn __private(&self) {}
    #[cfg(test)]
    pub fn in_tests(&self) {}
    #[cfg(feature = "fast")]
    pub fn read_fast(&self) -> u8 {
        1
    }
}
impl core::str::FromStr for Gauge {
    type Err = Broken;
    fn from_str(s: &str) -> Result<Self, Broken> {
        Err(Broken)
    }
}
pub struct Broken;
"""
GAUGE_2 = """
pub struct Gauge(u8);
impl Gauge {
    pub fn read(&self, unit: Unit) -> Option<Reading> {
        None
    }
}
pub enum Unit {
    Bar,
    Psi(u8),
}
pub struct Reading {
    pub value: f64,
}
"""
DEEP = """
macro_rules! root {
    () => { pub mod sensor; };
}
root!();
mod parts {
    pub struct Dial;
    impl Dial {
        pub fn turn(&mut self, by: i32) {}
    }
}
pub use parts::Dial;
macro_rules! when_fast {
    ($($item:item)*) => { $( #[cfg(feature = "fast")] $item )* };
}
when_fast! {
    pub mod racing { pub struct Wheel; }
}
"""
SENSOR = (
    "pub use self::probe::Probe;\nmod probe;\npub type Found<T> = Result<T, Lost>;\npub struct Lost { pub at: u8 }\n"
)
PROBE = """
#[macro_export]
macro_rules! dial {
    ($name:ident) => { $crate::Dial };
    (@inner $x:expr) => { 0 };
}
/// Probes.
pub struct Probe;
impl Probe {
    pub fn ping(&self) -> super::Found<u8> { Ok(1) }
}
/// The same name elsewhere in the crate.
pub mod other { pub struct Dial; impl Dial { pub fn wrong(&self) {} } }
"""
FACADE = """
pub use deep_core::sensor;
pub use deep_core::Dial as Knob;
pub use deep_core::*;
pub mod prelude {
    pub use crate::ext::*;
    #[doc(no_inline)]
    pub use deep_core::sensor::Probe;
}
mod ext {
    pub trait Spin {
        /// Spins it.
        fn spin(&mut self) -> bool;
        fn stop(&mut self) {}
    }
}
"""
LIB = """
use facade::prelude::*;
use facade::Knob;
use old::Gauge as OldGauge;

pub struct Panel {
    knob: Knob,
}

impl Panel {
    pub fn old(&self, gauge: &OldGauge) -> u8 {
        todo!()
    }
    pub fn new_one(gauge: &gauge::Gauge) -> u8 {
        todo!()
    }
}

pub fn ping(probe: &facade::sensor::Probe) -> facade::sensor::Found<u8> {
    todo!()
}

pub fn spun(knob: &mut dyn Fn()) {
    knob.spin();
    facade::dial!(x);
    todo!()
}

pub fn race(wheel: facade::racing::Wheel) {
    todo!()
}

mod inner {
    use super::*;
    pub fn nested(gauge: super::shared::Alias) {
        use facade::Dial;
        let dial: Dial = todo!();
    }
}
mod shared;
"""
MANIFEST = """
[package]
name = "panel"
version = "0.1.0"
edition = "2021"
[dependencies]
facade = "1"
gauge = "2"
old = { package = "gauge", version = "1"FEATURES }
"""


@pytest.fixture
def crates(tmp_path: Path) -> Crates:
    crates = Crates(tmp_path)
    fast = "[features]\nfast = []\n"
    crates.publish("gauge", "1.4.0", {"src/lib.rs": GAUGE_1}, fast)
    crates.publish("gauge", "2.0.1", {"src/lib.rs": GAUGE_2})
    core = {"src/lib.rs": DEEP, "src/sensor.rs": SENSOR, "src/sensor/probe.rs": PROBE}
    crates.publish("deep-core", "0.3.0", core, fast)
    crates.publish("facade", "1.0.0", {"src/lib.rs": FACADE}, '[dependencies]\ndeep-core = "0.3"\n')
    return crates


def panel(crates: Crates, features: str = "") -> Path:
    files = {
        "Cargo.toml": MANIFEST.replace("FEATURES", features),
        "src/lib.rs": LIB,
        "src/shared.rs": "pub use old::Gauge as Alias;\n",
    }
    workspace = lay(crates.folder / "panel", files)
    crates.lock(workspace)
    return workspace / "src" / "lib.rs"


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_locked_version_is_shown_under_whatever_name(crates: Crates, trusted: bool) -> None:
    path = panel(crates)
    old = await crates.told(path, "old", trusted=trusted)
    assert [(one.origin, one.reason) for one in old[:3]] == [
        ("gauge 1.4.0", "a type in the signature, here called `OldGauge`"),
        ("gauge 1.4.0", "methods of `Gauge`: a type in the signature, here called `OldGauge`"),
        ("gauge 1.4.0", "what `Gauge` implements: a type in the signature, here called `OldGauge`"),
    ]
    assert old[0].text == (
        "/// A gauge.\n#[derive(Debug)]\npub struct Gauge {\n"
        "    /// How full it is.\n    pub level: u8,\n    /* private fields */\n}"
    )
    assert "    /// Reads it.\n    pub fn read(&self) -> u8;" in old[1].text
    assert not any(word in old[1].text for word in ("hidden", "__private", "in_tests", "Panics"))
    assert old[2].text == "impl core::str::FromStr for Gauge { type Err = Broken; }"
    new = await crates.told(path, "new_one", trusted=trusted)
    assert (new[0].text, new[0].origin) == ("pub struct Gauge(/* private fields */);", "gauge 2.0.1")
    assert "pub fn read(&self, unit: Unit) -> Option<Reading>;" in new[1].text
    given = {one.reason: one.text for one in new}
    assert given["what `Gauge::read` gives"] == "pub struct Reading {\n    pub value: f64,\n}"


@pytest.mark.parametrize("trusted", [True, False])
async def test_re_exports_are_followed_into_other_crates_and_aliases_to_what_they_stand_for(
    crates: Crates, trusted: bool
) -> None:
    found = await crates.told(panel(crates), "ping", trusted=trusted)
    assert [(one.text.splitlines()[-1] if one.text[0] == "/" else one.text, one.reason) for one in found][:4] == [
        ("pub struct Probe;", "a type in the signature"),
        ("impl Probe {\n    pub fn ping(&self) -> super::Found<u8>;\n}", "methods of `Probe`: a type in the signature"),
        ("pub type Found<T> = Result<T, Lost>;", "a type in the signature"),
        ("pub struct Lost {\n    pub at: u8,\n}", "what `Found` stands for"),
    ]
    assert {one.origin for one in found} == {"deep-core 0.3.0", "facade 1.0.0", "gauge 1.4.0"}


@pytest.mark.parametrize("trusted", [True, False])
async def test_fields_bodies_globs_macros_and_modules_of_the_file_are_followed(crates: Crates, trusted: bool) -> None:
    path = panel(crates)
    fields = {one.reason: one.text for one in await crates.told(path, "old", trusted=trusted)}
    # Another module of the same crate has a type of the same name.
    assert fields["methods of `Dial`: a type in `Panel`, here called `Knob`"] == (
        "impl Dial {\n    pub fn turn(&mut self, by: i32);\n}"
    )
    spun = await crates.told(path, "spun", trusted=trusted)
    assert spun[0].text == "#[macro_export]\nmacro_rules! dial {\n    ($name:ident) => { … };\n}"
    assert spun[1].reason == "brought in by `use facade::prelude::*`"
    assert spun[1].text == (
        "pub trait Spin {\n    /// Spins it.\n    fn spin(&mut self) -> bool;\n    fn stop(&mut self);\n}"
    )
    nested = [(one.origin, one.reason) for one in await crates.told(path, "nested", trusted=trusted)]
    assert nested[0] == ("gauge 1.4.0", "a type in the signature")
    assert ("deep-core 0.3.0", "named in the body") in nested


async def test_what_a_feature_turns_off_is_left_out_and_marked_where_features_are_not_known(crates: Crates) -> None:
    path = panel(crates)
    assert not any("read_fast" in one.text for one in await crates.told(path, "old", trusted=True))
    assert not any("Wheel" in one.text for one in await crates.told(path, "race", trusted=True))
    unknown = next(one for one in await crates.told(path, "old", trusted=False) if one.reason.startswith("methods"))
    assert '    #[cfg(feature = "fast")]\n    pub fn read_fast(&self) -> u8;' in unknown.text
    assert any("Wheel" in one.text for one in await crates.told(path, "race", trusted=False))
    on = panel(crates, ', features = ["fast"]')
    methods = next(one for one in await crates.told(on, "old", trusted=True) if one.reason.startswith("methods"))
    assert "pub fn read_fast(&self) -> u8;" in methods.text
    assert "cfg" not in methods.text


async def test_the_same_is_told_every_time_and_within_the_limit(crates: Crates) -> None:
    path = panel(crates)
    first = await crates.told(path, "old", trusted=True)
    # The second time, what an earlier session found is read from disk.
    assert list((crates.folder / "cache").iterdir())
    assert await crates.told(path, "old", trusted=True) == first
    for limit in (0, 100, 200, 300, 1000):
        some = await crates.told(path, "old", trusted=True, limit=limit)
        assert sum(len(one.text.encode()) for one in some) <= limit
        assert set(some) <= set(first)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, b"x"])
async def test_what_is_kept_of_a_crate_may_be_damaged(crates: Crates, damage: bytes) -> None:
    path = panel(crates)
    first = await crates.told(path, "old", trusted=True)
    for kept in (crates.folder / "cache").iterdir():
        kept.write_bytes(kept.read_bytes()[:30] + damage)
    assert await crates.told(path, "old", trusted=True) == first


async def test_another_lock_file_is_another_version(crates: Crates) -> None:
    path = panel(crates)
    crates.publish("gauge", "1.5.0", {"src/lib.rs": GAUGE_1.replace("-> u8", "-> u64")}, "[features]\nfast = []\n")
    asked = [await crates.asked(path, trusted=trusted) for trusted in (True, False)]
    for told in asked:
        assert (await told("old"))[0].origin == "gauge 1.4.0"
    crates.lock(path.parents[1], "update", "-q", "-p", "gauge@1.4.0", "--precise", "1.5.0")
    crates.lock(path.parents[1])
    for told in asked:
        found = await told("old")
        assert found[0].origin == "gauge 1.5.0"
        assert "read(&self) -> u64" in found[1].text


async def test_without_a_lock_file_nothing_is_told_and_nothing_is_written(crates: Crates) -> None:
    path = panel(crates)
    (path.parents[1] / "Cargo.lock").unlink()
    for trusted in (True, False):
        assert await crates.told(path, "old", trusted=trusted) == ()
    assert not (path.parents[1] / "Cargo.lock").exists()


async def test_the_configured_features_are_those_that_count(crates: Crates) -> None:
    path = panel(crates)
    with (path.parents[1] / "Cargo.toml").open("a") as manifest:
        manifest.write('[features]\nquick = ["old/fast"]\n')
    for features, expected in (((), False), (("quick",), True)):
        found = await crates.told(path, "old", trusted=True, configuration=Configuration(features=features))
        assert any("read_fast" in one.text for one in found) is expected


async def test_a_lock_file_that_is_behind_is_read_as_it_is_and_left_as_it_is(crates: Crates) -> None:
    path = panel(crates)
    crates.publish("widget", "1.0.0", {"src/lib.rs": ""})
    manifest = path.parents[1] / "Cargo.toml"
    manifest.write_text(manifest.read_text() + 'widget = "1"\n')
    lock = (path.parents[1] / "Cargo.lock").read_bytes()
    for trusted in (True, False):
        assert (await crates.told(path, "old", trusted=trusted))[0].origin == "gauge 1.4.0"
    assert (path.parents[1] / "Cargo.lock").read_bytes() == lock
