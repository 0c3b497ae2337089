"""What a model is told of a dependency that it got wrong: what the locked version really has."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import MANIFEST, fenced, filling
from local_registry import Crates, lay

DIALS = """\
pub mod dials {
    /// A dial of the locked version.
    pub struct Dial(u8);

    impl Dial {
        /// A dial at zero.
        pub fn zeroed() -> Self {
            Dial(0)
        }

        /// What it says.
        pub fn reading(&self) -> u8 {
            self.0
        }
    }
}
"""


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("gauges::dials::Dail::zeroed().reading()", "// What `gauges::dials` has (gauges 1.2.0):\npub struct Dial"),
        ("gauges::dials::Dial::zeroed().reed()", "pub fn reading(&self) -> u8;"),
        ("gauges::dials::Dial::zeroed()", "pub struct Dial"),
    ],
)
async def test_what_a_dependency_has_is_told_from_the_locked_version(wrong: str, told: str, tmp_path: Path) -> None:
    crates = Crates(tmp_path / "crates")
    crates.publish("gauges", "1.2.0", {"src/lib.rs": DIALS})
    crates.publish("gauges", "1.3.0", {"src/lib.rs": DIALS.replace("reading", "said").replace("Dial", "Newer")})
    lib = "pub fn asked() -> u8 {\n    todo!()\n}\n"
    answers = [fenced(lib.replace("todo!()", body)) for body in (wrong, "gauges::dials::Dial::zeroed().reading()")]
    files = {"Cargo.toml": f'{MANIFEST}\n[dependencies]\ngauges = "=1.2.0"\n', "src/lib.rs": lib}
    crates.lock(lay(tmp_path / "tiny", files))
    async with filling(tmp_path, files, answers, crates.env) as crate:
        await crate.fill()
        assert told in crate.prompts[1], crate.prompts[1]
        assert "Newer" not in crate.prompts[1]
