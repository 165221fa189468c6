"""What `check` finds: one sentence about one thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `exit_code` is 0 where it does not stop anything."""

    subject: str
    state: str
    sentence: str
    exit_code: int = 0
