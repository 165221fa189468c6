"""Says after an interrupt what a command has left to do; how to go on is the last line's business, in `main`."""

from collections.abc import Sequence
from datetime import date

from circleci_cost.cli.planned_runs import AnyRun, PlannedRun, by_lane, fetches, prices
from circleci_cost.cli.streams import say


def say_left(runs: Sequence[AnyRun], succeeded: Sequence[AnyRun]) -> None:
    """Say which exports are not there yet and what has not been priced, by cost center."""
    done = {run.run_id for run in succeeded}
    for name, planned in by_lane(runs).items():
        left = [run for run in planned if run.run_id not in done and run.partitions]
        exports = [run for run in left if fetches(run)]
        sentences = []
        if exports:
            count = sum(map(fetches, planned))
            sentences.append(f"{len(exports)} of {count} exports not fetched ({_span(exports)})")
        if unpriced := [run for run in left if prices(run) and run not in exports]:
            sentences.append(f"costs not computed ({_span(unpriced)})")
        if sentences:
            say(f"Left to do for {name}: {', '.join(sentences)}.")
    if any(map(fetches, succeeded)) and not any(map(prices, succeeded)):
        say("The costs of what has landed need no further fetch: `circleci-cost reprice`.")
    if done.issuperset(run.run_id for run in runs):
        say("Left to do: publish what was computed.")


def _span(runs: Sequence[PlannedRun]) -> str:
    first: date = min(run.first for run in runs)
    last: date = max(run.last for run in runs)
    return f"{first} – {last}"
