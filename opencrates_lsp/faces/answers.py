"""The JSON that scripts read, the same whoever is asked: CONTRACT "Commands"."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opencrates_lsp.faces.uris import uri_of
from opencrates_lsp.values import Diagnostic, Usage, Verdict


def answer_json(
    state: str,
    title: str,
    *,
    job: str = "",
    files: Iterable[Path] = (),
    verdict: Verdict | None = None,
    usage: Usage | None = None,
    reason: str | None = None,
    notes: Iterable[str] = (),
    change: str | None = None,
    diff: str | None = None,
) -> dict[str, Any]:
    """What every working command answers; `change` is what undo takes, `diff` what is offered."""
    return {
        "state": state,
        "job": job,
        "title": title,
        "files": [uri_of(path) for path in files],
        "verdict": None if verdict is None else verdict_json(verdict),
        "usage": None if usage is None else usage_json(usage),
        "reason": reason,
        "notes": list(notes),
        "change": change,
        "diff": diff,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the answers of commands carry it."""
    tests = verdict.tests
    return {
        "level": verdict.level.value,
        "reached": verdict.reached,
        "configuration": verdict.configuration,
        "baseline_errors": verdict.baseline_errors,
        "new_errors": [diagnostic_json(error) for error in verdict.new_errors],
        "tests": None
        if tests is None
        else {
            "passed": tests.passed,
            "failed": tests.failed,
            "ignored": tests.ignored,
            "broken": list(tests.broken),
            "printed": list(tests.printed),
            "ran": list(tests.ran),
            "programs": list(tests.programs),
            "failing_before": list(tests.failing_before),
            "waiting": [{"name": name, "printed": printed} for name, printed in tests.waiting],
            "flaky": list(tests.flaky),
        },
        "attempts": verdict.attempts,
        "seconds": round(verdict.seconds, 3),
        "sandbox": verdict.sandbox,
        "steps": [{"name": step.name, "seconds": round(step.seconds, 3)} for step in verdict.steps],
        "reason": verdict.reason,
        "beyond_answer": verdict.beyond_answer,
        "skipped": list(verdict.skipped),
    }


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic of a verdict; its span counts in a text nobody has, so the compiler's words tell the place."""
    return {
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": None if diagnostic.path is None else uri_of(diagnostic.path),
        "rendered": diagnostic.rendered,
    }


def usage_json(usage: Usage) -> dict[str, Any]:
    """What the model calls cost, as the answers of commands carry it."""
    return {
        "provider": usage.provider,
        "model": usage.model,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": usage.cost_usd,
        "cached": usage.cached,
    }
