"""From spawning a server to its first code action, on a file of 100 lines."""

from __future__ import annotations

import time

import side_by_side as bench

LINES = 100
URI = "file:///bench/src/lib.rs"


def first_answer(contender: bench.Contender) -> float:
    """Seconds from spawn to answer."""
    text = bench.rust_text(LINES)
    begun = time.perf_counter()
    with bench.running(contender) as server:
        server.initialize()
        server.open(URI, text, contender.language)
        server.code_action(URI, bench.hole_line(LINES), 40)
        return time.perf_counter() - begun


def main() -> None:
    """Print one table."""
    options = bench.options(__doc__ or "", rounds=15)
    contenders = [bench.BARE, bench.OURS]
    try:
        contenders.append(bench.ruff())
    except bench.NotAnswered as error:
        print(f"ruff server left out: {error}")
    results = bench.take_turns(contenders, first_answer, options.rounds)
    bench.table("spawn to first code action", bench.BARE.name, results, "opencrates-lsp <= 1.15")


if __name__ == "__main__":
    main()
