"""One toolchain for all, and verifiers that are closed in the end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prover import Provers

from opencrates_lsp.terms import Configuration
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    env = {name: value for name, value in os.environ.items() if name not in ("RUSTFLAGS", "CARGO_INCREMENTAL")}
    return asyncio.run(find_toolchain(Path(__file__).parent, Configuration(), env))


@pytest.fixture
async def provers(tmp_path: Path, toolchain: Toolchain) -> AsyncIterator[Provers]:
    made = Provers(tmp_path, toolchain)
    yield made
    for verifier in made.verifiers:
        await verifier.close()
