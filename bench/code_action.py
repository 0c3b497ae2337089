"""A code action at a hole of a warm file of 10,000 lines, and one right after an edit there.

The bare pygls server answers a constant, so it is what the way there and back costs, and pygls's own document.
"""

from __future__ import annotations

import statistics
import time

import side_by_side as bench

LINES = 10_000
URI = "file:///bench/src/lib.rs"
ASKED = 100


def warm(contender: bench.Contender) -> float:
    """Seconds of the median code action of a file that does not change."""
    with bench.running(contender) as server:
        ready(server, contender)
        times = []
        for _ in range(ASKED):
            begun = time.perf_counter()
            server.code_action(URI, bench.hole_line(LINES), 40)
            times.append(time.perf_counter() - begun)
        return statistics.median(times)


def after_edit(contender: bench.Contender) -> float:
    """Seconds of the median edit and code action; the edit adds a space where the file stays whole Rust."""
    with bench.running(contender) as server:
        ready(server, contender)
        line = bench.hole_line(LINES)
        times = []
        for number in range(ASKED // 2):
            begun = time.perf_counter()
            server.send(**bench.insertion(URI, number + 1, line, 4, " "))
            server.code_action(URI, line, 42 + number)
            times.append(time.perf_counter() - begun)
        return statistics.median(times)


def ready(server: bench.Connection, contender: bench.Contender) -> None:
    """Open the file and ask until everything is imported and parsed."""
    server.initialize()
    server.open(URI, bench.rust_text(LINES), contender.language)
    for _ in range(5):
        server.code_action(URI, bench.hole_line(LINES), 40)


def main() -> None:
    """Print two tables."""
    options = bench.options(__doc__ or "", rounds=5)
    contenders = [bench.BARE, bench.OURS]
    results = bench.take_turns(contenders, warm, options.rounds)
    bench.table(f"code action, {LINES:,} lines, warm, P50", bench.BARE.name, results, "opencrates-lsp <= 2")
    results = bench.take_turns(contenders, after_edit, options.rounds)
    bench.table(f"edit and code action, {LINES:,} lines, P50", bench.BARE.name, results, "opencrates-lsp <= 0.8")


if __name__ == "__main__":
    main()
