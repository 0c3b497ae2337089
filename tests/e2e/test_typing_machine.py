"""Random users of the real server: they type, save, rename, close, reopen, undo, cancel and answer while models think.

`make test` lets each kind of editor live through a few lives, `make test-long` through many.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_life import Life
from typing_world import World, world

pytestmark = pytest.mark.proof

LIVES, MANY = 5, 100
STEPS = 30
EDITORS = [(plain, encoding) for plain in (False, True) for encoding in ("utf-8", "utf-16", "utf-32")]
NAMES = [f"{'plain' if plain else 'versions'}-{encoding}" for plain, encoding in EDITORS]


def live(here: World, lives: int, steps: int = STEPS) -> None:
    """So many lives in this world; what went wrong tells its own story, because a race is not the same twice."""

    class Here(Life):
        world = here

    unhurried = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
    )
    run_state_machine_as_test(Here, settings=unhurried)


@pytest.mark.parametrize(("plain", "encoding"), EDITORS, ids=NAMES)
def test_typing_is_never_lost_and_changes_are_whole(tmp_path: Path, plain: bool, encoding: str) -> None:
    with world(tmp_path, plain=plain, encoding=encoding) as here:
        live(here, LIVES)


def test_typing_is_never_lost_while_cargo_proves(tmp_path: Path) -> None:
    with world(tmp_path, plain=False, encoding="utf-16", proving=True) as here:
        live(here, 1, 15)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("proving", [False, True], ids=["parsed", "proved"])
@pytest.mark.parametrize(("plain", "encoding"), EDITORS, ids=NAMES)
def test_many_lives(tmp_path: Path, plain: bool, encoding: str, proving: bool) -> None:
    with world(tmp_path, plain=plain, encoding=encoding, proving=proving) as here:
        live(here, MANY // 10 if proving else MANY)
