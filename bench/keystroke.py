"""A burst of didChange in the middle of a file of 10,000 and of 50,000 lines: milliseconds each.

One insertion goes one character further than the last, as in typing; `scattered` puts each on another line.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import side_by_side as bench

URI = "file:///bench/src/lib.rs"
SIZES = {10_000: "<= 0.25", 50_000: "<= 0.06, and below ruff"}
BURST = 200


def burst(lines: int, *, scattered: bool) -> bytes:
    """The framed messages of a burst."""
    middle = bench.hole_line(lines)
    chance = random.Random(lines)  # noqa: S311  # The same lines in every round.
    frames = []
    for number in range(BURST):
        line, character = (chance.randrange(lines), 0) if scattered else (middle, 4 + number)
        frames.append(bench.framed(bench.insertion(URI, number + 1, line, character, "x")))
    return b"".join(frames)


def measurement(lines: int, *, scattered: bool) -> Callable[[bench.Contender], float]:
    """What is measured of one server: seconds a change, until all are handled."""
    text = bench.rust_text(lines)
    frames = burst(lines, scattered=scattered)

    def measure(contender: bench.Contender) -> float:
        with bench.running(contender) as server:
            server.initialize()
            server.open(URI, text, contender.language)
            server.warm(URI)
            begun = time.perf_counter()
            server.send_all(frames)
            server.barrier()
            return (time.perf_counter() - begun) / BURST

    return measure


def main() -> None:
    """Print one table a size and a kind of burst."""
    options = bench.options(__doc__ or "", rounds=5)
    contenders = [bench.BARE, bench.OURS]
    try:
        contenders.append(bench.ruff())
    except bench.NotAnswered as error:
        print(f"ruff server left out: {error}")
    for lines, goal in SIZES.items():
        for scattered in (False, True):
            results = bench.take_turns(contenders, measurement(lines, scattered=scattered), options.rounds)
            kind = "scattered" if scattered else "typing"
            bench.table(f"didChange, {lines:,} lines, {kind}", bench.BARE.name, results, f"opencrates-lsp {goal}")


if __name__ == "__main__":
    main()
