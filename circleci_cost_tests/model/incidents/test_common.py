"""Parts of one series that alarm together while it is silent are one incident; what happens apart stays apart."""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.incidents.incidents import incidents
from circleci_cost_tests.model.anomalies.builders import day, hierarchy_of, judged

DAYS, AT = 40, 30
SETTINGS = Anomalies(minimum_impact_usd=Decimal("0.1"), minimum_impact_share=Decimal("0.01"))
# The cost of each part in alarm, usually 1; parts have this usual cost, their wholes the sum of their parts'.
IN_ALARM = 3.0


def found(
    alarms: Mapping[str, int], silent: tuple[str, ...], *, way: str = "up", wholes: Mapping[str, float] | None = None
) -> list[tuple[str, int]]:
    """The series and first day (by its place) of the incidents, of parts that are in alarm for a day.

    `wholes` is how much more (or less) a whole costs on that day; without it, what its parts cost more.
    """
    parts = [*alarms, *silent]
    names = {name.rsplit("/", depth)[0] for name in parts for depth in range(1, name.count("/") + 1)}
    frames = []
    for name in [*parts, *names]:
        below = [part for part in parts if part == name or part.startswith(f"{name}/")]
        usual, change = float(len(below)), (IN_ALARM - 1.0) if way == "up" else -1.0
        values = [usual] * DAYS
        for part in below:
            if part in alarms:
                values[alarms[part]] += change
        for number in set(alarms.values()) if name in (wholes or {}) else ():
            values[number] = usual + (wholes or {})[name]
        own = {alarms[name]: ("spike" if way == "up" else "drop", way, 2.0)} if name in alarms else {}
        frames.append(judged(values, [usual] * DAYS, own, name))
    rows = incidents(pl.concat(frames), hierarchy_of([*parts, *names]), SETTINGS).sort("first_day", "series")
    return [(series, (first - day(0)).days) for series, first in rows.select("series", "first_day").iter_rows()]


def test_two_workflows_of_a_silent_project_on_one_day_are_one_incident_of_the_project() -> None:
    alarms = {"acme/web/build": AT, "acme/web/deploy": AT}
    assert found(alarms, ("acme/api/build",)) == [("acme/web", AT)]


def test_what_is_told_together_may_be_found_a_day_apart() -> None:
    alarms = {"acme/web/build": AT, "acme/web/deploy": AT + 1}
    assert found(alarms, ("acme/api/build",)) == [("acme/web", AT)]


def test_jobs_of_two_workflows_meet_at_their_project() -> None:
    alarms = {"acme/web/build/lint": AT, "acme/web/deploy/ship": AT}
    silent = (
        "acme/web/build/test",
        "acme/web/build/docs",
        "acme/web/deploy/tag",
        "acme/web/deploy/wait",
        "acme/api/a/b",
    )
    assert found(alarms, silent) == [("acme/web", AT)]


def test_stops_of_two_workflows_of_one_project_are_one_incident_too() -> None:
    assert found({"acme/web/build": AT, "acme/web/deploy": AT}, ("acme/api/build",), way="down") == [("acme/web", AT)]


def test_workflows_of_two_projects_on_one_day_stay_two_incidents() -> None:
    alarms = {"acme/web/build": AT, "acme/api/build": AT}
    assert found(alarms, ("acme/web/deploy", "acme/api/deploy", "acme/docs/build")) == [
        ("acme/api/build", AT),
        ("acme/web/build", AT),
    ]


def test_workflows_of_one_project_days_apart_stay_two_incidents() -> None:
    alarms = {"acme/web/build": AT, "acme/web/deploy": AT + 4}
    assert found(alarms, ("acme/api/build",)) == [("acme/web/build", AT), ("acme/web/deploy", AT + 4)]


def test_two_of_many_workflows_stay_two_incidents() -> None:
    alarms = {"acme/web/w0": AT, "acme/web/w1": AT}
    silent = tuple(f"acme/web/w{number}" for number in range(2, 9))
    assert found(alarms, silent) == [("acme/web/w0", AT), ("acme/web/w1", AT)]


def test_parts_of_a_whole_that_has_not_changed_stay_two_incidents() -> None:
    alarms = {"acme/web/build": AT, "acme/web/deploy": AT}
    told = found(alarms, ("acme/api/build",), wholes={"acme/web": 0.0})
    assert told == [("acme/web/build", AT), ("acme/web/deploy", AT)]


def test_most_projects_of_an_organization_on_one_day_are_one_incident_of_it() -> None:
    alarms = {f"acme/p{number}/build": AT for number in range(3)}
    silent = tuple(f"acme/p{number}/deploy" for number in range(4))
    assert found(alarms, silent) == [("acme", AT)]
