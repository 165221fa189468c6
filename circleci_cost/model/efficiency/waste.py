"""The causes of waste, in their order of precedence, and their words; amounts are `warehouse.efficiency.waste`'s."""

from dataclasses import dataclass

# A later attempt supersedes runs of at most so many days before it: a workflow that failed on a Friday is run again
# by the end of the next week. Each more makes the daily run read a day more.
RERUN_DAYS = 7

# Docker layer caching is judged by the last quarter: long enough for most changes of a job to lie in it both ways.
DLC_DAYS = 90
# The median of so many runs is off by about a quarter of the runs' own spread; of fewer it tells nothing.
DLC_RUNS = 20


@dataclass(frozen=True)
class Cause:
    """A cause of waste: its key in tables, JSON and filters, its display name, and what it covers."""

    name: str
    shown: str
    meaning: str


CAUSES: tuple[Cause, ...] = (
    Cause("rerun", "re-run", "former attempts of a workflow that was run again"),
    Cause("canceled", "canceled", "runs that were canceled"),
    Cause("timed_out", "timed out", "runs that reached a time limit"),
    Cause("failed", "failed", "runs that failed, also where they did their work by finding a fault"),
    Cause("bot", "bot branches", "runs on the branches of bots, whether anybody needed them or not"),
    Cause("unregistered", "unregistered users", "runs of people without a CircleCI user"),
    Cause("dlc", "Docker layer caching", "the fee of Docker layer caching where it saves no time"),
)
"""Exclusive causes: the first that applies has the whole run; only `dlc` has a part of it, the fee."""

CAUSE = "cause"
CAUSE_NAMES = {cause.name: cause.shown for cause in CAUSES}
