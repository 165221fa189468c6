"""How many processes execute the runs of a command."""

from datetime import date, timedelta

import pytest

from circleci_cost.cli.planned_runs import AnyRun, PlannedRun, WholeRun
from circleci_cost.cli.worker_pool import useful_workers

FIRST = date(2026, 1, 1)


def lanes(count: int, days: int) -> dict[str, list[AnyRun]]:
    last = FIRST + timedelta(days=days - 1)
    return {f"center {number}": [PlannedRun("refresh", f"center {number}", FIRST, last)] for number in range(count)}


@pytest.mark.parametrize(
    ("count", "days", "computing", "waiting"),
    [(1, 395, 1, 1), (2, 4, 1, 2), (2, 15, 1, 2), (2, 31, 2, 2), (2, 395, 2, 2), (20, 4, 2, 20), (200, 4, 14, 200)],
)
def test_a_process_is_started_for_lanes_that_wait_or_are_long(
    count: int, days: int, computing: int, waiting: int
) -> None:
    planned = lanes(count, days)
    assert (useful_workers(planned, waits=False), useful_workers(planned, waits=True)) == (computing, waiting)


def test_what_follows_all_cost_centers_takes_one_process() -> None:
    assert useful_workers({"publishing": [WholeRun("allocate", "publishing")]}, waits=False) == 1
