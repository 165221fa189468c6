"""The failure of a Dagster run: the sentence that the failed step carries, and the exit code for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import dagster as dg

EXIT_CODE = "exit_code"


@dataclass(frozen=True)
class Failed:
    """A run's failure; `stack` is the traceback of a bug, None for a failure that its sentence explains."""

    sentence: str
    exit_code: int
    stack: str | None


def failure_in(events: Iterable[dg.DagsterEvent]) -> Failed | None:
    """The first failure among a run's events; None where no step failed."""
    checks: list[str] = []
    for event in events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            if evaluation.blocking and not evaluation.passed:
                checks.append(f"The check {evaluation.check_name} failed: {evaluation.description}.")
        elif event.event_type_value == "STEP_FAILURE":
            return _failure(event.step_failure_data, checks)
    return None


def _failure(data: Any, checks: list[str]) -> Failed:
    user = data.user_failure_data
    if user is not None and user.description:
        code = user.metadata.get(EXIT_CODE) if user.metadata else None
        return Failed(user.description, int(code.value) if code is not None else 1, None)
    if checks:
        return Failed(" ".join(checks), 1, None)
    if sentence := sentence_of(data.error):
        return Failed(sentence, 1, None)
    stack = data.error.to_string() if data.error else "no error was recorded"
    return Failed("An unexpected error ended the run.", 1, stack)


def sentence_of(error: Any) -> str | None:
    """The sentence of a `Failure` among an error's causes; None where there is none."""
    while error is not None:
        if error.cls_name == "Failure":
            return str(error.message.partition("Failure: ")[2].strip() or error.message.strip())
        error = error.cause
    return None
