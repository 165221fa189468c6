"""Failures of an engine as errors with one sentence: away, slow, refusing, or without access to the files.

What an engine got wrong without saying so is noticed by `arithmetic` and by `warehouse.costs`.
"""

import re

from circleci_cost.engines.definition import Engine
from circleci_cost.errors import AuthorizationError, CircleciCostError, TransientSourceError
from circleci_cost.sections.section import shown_variable

_UNCHANGED = "No costs were changed; the next run computes what is missing."
_MISSING_FILE = re.compile(r"PATH_NOT_FOUND|No such file|NoSuchKey|No FileSystem for scheme")
_DIFFERENT_TYPE = re.compile(r"PARQUET_COLUMN_DATA_TYPE_MISMATCH|Fail to merge schema|Dictionary\(")
# gRPC's text for developers holds the cause in one of these.
_CAUSES = (re.compile(r'last error: \w+: (.*?)"'), re.compile(r'details = "(.*?)"'))
_LONGEST_CAUSE = 300


class EngineError(CircleciCostError):
    """An engine that cannot price: what it answers is not exact, or it does not see what it has to read."""


def unseen(engine: Engine, what: str) -> EngineError:
    """The error for files that an engine does not see as this process does; `what` says which and how it shows."""
    return EngineError(
        f"The engine at {engine.server} does not see the job runs as they are here: {what}. Let it reach the data "
        f"directory under the same path, or write in [engine] as data_dir where it finds it. {_UNCHANGED}"
    )


def inexact(engine: Engine, what: str) -> EngineError:
    """The error for an engine that does not count exactly; `what` says what it got wrong."""
    return EngineError(
        f"The engine at {engine.server} does not count exactly: {what}. Use another one, or leave [engine] out to "
        f"price with DuckDB. {_UNCHANGED}"
    )


def engine_failure(engine: Engine, error: Exception) -> CircleciCostError:
    """What Spark's client raised, as an error of this project."""
    text, where = str(error), f"The engine at {engine.server}"
    # Errors of the server and of gRPC itself name the status differently.
    status = str(getattr(error, "getGrpcStatusCode", getattr(error, "code", lambda: ""))()).rpartition(".")[2]
    if status == "DEADLINE_EXCEEDED":
        return EngineError(
            f"{where} took more than {engine.timeout_minutes} minutes for one statement. Give it more machines, or "
            f"more time by timeout_minutes in [engine]. {_UNCHANGED}"
        )
    if status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
        variable = "name it by token_env in [engine]"
        if engine.token_env:
            variable = f"renew the one in the variable {shown_variable(engine.token_env, 'token_env')}"
        return AuthorizationError(f"{where} asks for another token: {variable}. {_UNCHANGED}")
    if status == "UNAVAILABLE":
        return TransientSourceError(f"{where} does not answer ({_cause(text)}). {_UNCHANGED}")
    if _MISSING_FILE.search(text):
        return unseen(engine, _cause(text))
    if _DIFFERENT_TYPE.search(text):
        return EngineError(
            f"{where} cannot read job runs of an earlier version ({_cause(text)}). Materialize job_runs of these days "
            f"again, from the exports in the data directory. {_UNCHANGED}"
        )
    return EngineError(f"{where} did not price the job runs: {_cause(text)}. {_UNCHANGED}")


def _cause(text: str) -> str:
    """The first line of a text that is meant for developers, without the stack and the codes around it."""
    for pattern in _CAUSES:
        if match := pattern.search(text):
            text = match[1]
    line = next((line for line in text.splitlines() if line.strip()), "no reason given").strip()
    return re.sub(r"\.? SQLSTATE: \w+$", "", line)[:_LONGEST_CAUSE].rstrip(".")
