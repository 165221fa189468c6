"""One decision about an incident, and what a person may write into it.

The file that holds decisions is read by `decisions` and changed by `decision_edits`.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import date

import polars as pl

from circleci_cost.errors import UsageError
from circleci_cost.model.incidents.decisions import DECISIONS
from circleci_cost.text.plain import is_unsafe, quoted, same_name

LONGEST_REASON = 500
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPACES = {"Cc", "Zl", "Zp", "Zs"}


@dataclass(frozen=True)
class Decision:
    """What somebody decided about an incident: `decision` is one of `DECISIONS`, `until` the last day it holds on."""

    decision: str
    reason: str | None = None
    until: date | None = None

    def __str__(self) -> str:
        """The decision in words, such as `expected (load test) until 2026-12-31`."""
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.decision}{reason}{f' until {self.until}' if self.until else ''}"


def asked_decision(decision: str, reason: str = "", until: str = "") -> Decision:
    """The decision that the fields of a form ask for. Raises `UsageError`.

    The reason becomes one line: line breaks and runs of spaces are one space, and invisible characters, such as those
    that turn the direction of text round, are left out.
    """
    if decision not in DECISIONS:
        raise UsageError(f"{quoted(decision)} is no decision; choose {' or '.join(DECISIONS)}.")
    text = _one_line(reason)
    if len(text) > LONGEST_REASON:
        raise UsageError(f"The reason has {len(text):,} characters; write at most {LONGEST_REASON}.")
    return Decision(decision, text or None, _day(until.strip()))


def decision_about(decisions: pl.DataFrame, incident_id: str) -> Decision | None:
    """The decision about an incident in a frame of `DECISION_SCHEMA`; None where there is none."""
    rows = decisions.filter(incident_id=incident_id).select("decision", "reason", "decided_until").rows()
    return Decision(*rows[0]) if rows else None


def version_of(decision: Decision | None) -> str:
    """A short text that differs between decisions: a form sends it back, to tell which one its user had seen."""
    written = [decision.decision, decision.reason, str(decision.until)] if decision else []
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()[:12]


def _one_line(text: str) -> str:
    kept = (
        " " if unicodedata.category(character) in _SPACES else "" if is_unsafe(character) else character
        for character in text
    )
    return same_name(" ".join("".join(kept).split()))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"until = {quoted(text)} is no day; write YYYY-MM-DD, such as 2026-01-31.") from None
