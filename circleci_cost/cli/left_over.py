"""Says after an interrupt what a command has left to do; the last line, in `main`, says how to go on."""

from collections.abc import Sequence
from datetime import date

from circleci_cost.cli.planned_runs import AnyRun, PlannedRun, by_lane, fetches, prices
from circleci_cost.cli.streams import say


def say_left(runs: Sequence[AnyRun], succeeded: Sequence[AnyRun]) -> None:
    """Say which exports, one for each run, are not all there and which costs were not computed, by cost center."""
    succeeded_ids = {run.run_id for run in succeeded}
    for name, planned in by_lane(runs).items():
        unfinished = [run for run in planned if run.run_id not in succeeded_ids and run.partitions]
        exports = [run for run in unfinished if fetches(run)]
        sentences = []
        if exports:
            count = sum(map(fetches, planned))
            sentences.append(f"{len(exports)} of {count} exports not finished ({_span(exports)})")
        if unpriced := [run for run in unfinished if prices(run) and run not in exports]:
            sentences.append(f"costs not computed ({_span(unpriced)})")
        if sentences:
            say(f"Left to do for {name}: {', '.join(sentences)}.")
    if any(map(fetches, succeeded)) and not any(map(prices, succeeded)):
        say("The costs of what has landed need no further fetch: `circleci-cost reprice`.")
    if succeeded_ids.issuperset(run.run_id for run in runs):
        say("Left to do: publish what was computed.")


def _span(runs: Sequence[PlannedRun]) -> str:
    first: date = min(run.first for run in runs)
    last: date = max(run.last for run in runs)
    return f"{first} – {last}"
