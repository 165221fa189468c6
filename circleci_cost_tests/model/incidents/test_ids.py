"""An incident that is found again has the id that it had, so that it is told once; other views do not tell it twice."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.identity import ids_kept, incident_id
from circleci_cost.model.incidents.incidents import INCIDENT_SCHEMA, incidents
from circleci_cost.model.incidents.other_views import without_those_explained
from circleci_cost_tests.model.anomalies.builders import day, drawn, factors, hierarchy_of, times, tree

DAYS, AT = 72, 57
SETTINGS = Anomalies(minimum_impact_usd=Decimal("0.1"), minimum_impact_share=Decimal("0.05"))
KNOWN = ["incident_id", "series", "kind", "direction", "first_day", "last_day", "told_on", "told_per_day"]
PARENTS = Hierarchy({"acme": None, "acme/p1": "acme", "acme/p2": "acme", "acme/p1/build": "acme/p1"})


def incident(
    series: str,
    first: int,
    *,
    id: str = "",
    direction: str = "up",
    last: int | None = None,
    kind: str = "spike",
    told: int | None = None,
    per_day: float = 5.0,
) -> pl.DataFrame:
    """An incident of which nothing else matters; its own id is that of its series and day."""
    row = {
        "incident_id": id or f"{series} {direction} {first}",
        "series": series,
        "kind": kind,
        "direction": direction,
        "first_day": day(first),
        "last_day": day(first if last is None else last),
        "told_on": day(first if told is None else told),
        "told_per_day": per_day,
        "impact": 20.0,
        "expected": 100.0,
    }
    return pl.DataFrame([row], schema_overrides=INCIDENT_SCHEMA)


def after(current: Iterable[pl.DataFrame], before: Iterable[pl.DataFrame], through: int = 60) -> pl.DataFrame:
    """Incidents after those before, which were found in the data through a day."""
    return ids_kept(pl.concat(current), pl.concat(before).with_columns(data_through=day(through)), PARENTS)


def kept(current: Iterable[pl.DataFrame], before: Iterable[pl.DataFrame], through: int = 60) -> list[str]:
    """The ids that incidents have after those before."""
    return after(current, before, through).get_column("incident_id").to_list()


def test_the_same_incident_begun_a_day_earlier_or_later_keeps_its_id() -> None:
    before = incident("acme/p1", 50, id="x")
    for first in (43, 49, 50, 51, 57):
        assert kept([incident("acme/p1", first)], [before]) == ["x"]


def test_an_incident_of_a_level_above_or_below_keeps_its_id() -> None:
    before = incident("acme/p1", 50, id="x")
    for series in ("acme", "acme/p1/build"):
        assert kept([incident(series, 51)], [before]) == ["x"]


def test_another_direction_another_branch_and_another_week_are_other_incidents() -> None:
    before = incident("acme/p1", 50, id="x")
    for other in (
        incident("acme/p1", 50, direction="down"),
        incident("acme/p2", 50),
        incident("acme/p1", 58),
        incident("acme/p1", 42),
    ):
        assert kept([other], [before]) == other.get_column("incident_id").to_list()


def test_a_new_price_and_what_begins_beside_it_do_not_change_ids() -> None:
    before = [incident("acme", 50, id="x", kind="price_change")]
    assert kept([incident("acme/p1", 51, kind="level_shift")], before) == ["acme/p1 up 51"]
    assert kept([incident("acme", 49, kind="price_change"), incident("acme/p1", 49)], before) == ["x", "acme/p1 up 49"]


def test_an_id_is_given_once_and_to_the_nearest() -> None:
    before = [incident("acme/p1", 50, id="x"), incident("acme/p1", 55, id="y")]
    current = [incident("acme/p1", 50), incident("acme/p1", 54), incident("acme/p1", 56)]
    assert kept(current, before) == ["x", "y", "acme/p1 up 56"]


def test_no_incident_takes_the_id_that_another_has_by_itself() -> None:
    own = "acme/p1 up 51"
    before = [incident("acme/p1", 51, id=own)]
    # The organization comes first in the order of days, and is related.
    assert kept([incident("acme", 50), incident("acme/p1", 51)], before) == ["acme up 50", own]


def test_nothing_before_leaves_all_ids() -> None:
    current = [incident("acme", 50), incident("acme/p1", 51)]
    assert kept(current, [incident("acme", 1).clear()]) == ["acme up 50", "acme/p1 up 51"]
    assert kept([incident("acme", 50).clear()], current) == []


def test_an_incident_of_which_people_were_told_keeps_the_day_and_the_amount_whatever_its_level() -> None:
    before = incident("acme/p1", 50, id="x", told=51, per_day=7.0)
    for series in ("acme", "acme/p1", "acme/p1/build"):
        current = after([incident(series, 49, told=49, per_day=3.0)], [before])
        assert current.select("incident_id", "told_on", "told_per_day").rows() == [("x", day(51), 7.0)]
        assert current.item(0, "first_day") == day(49)


def test_a_change_that_turns_out_to_have_begun_weeks_before_is_the_one_that_was_told() -> None:
    before = incident("acme/p1", 50, id="x", last=55)
    drift = incident("acme/p1", 8, last=58, told=50, kind="drift")
    assert kept([drift], [before], through=55) == ["x"]
    # What was not worth reporting by then is news, and so is what was over when the other one began.
    assert kept([drift.with_columns(told_on=day(56))], [before], through=55) == ["acme/p1 up 8"]
    assert kept([incident("acme/p1", 8, last=49, told=8)], [before], through=55) == ["acme/p1 up 8"]


def test_of_several_parts_of_a_former_incident_the_same_series_keeps_its_id() -> None:
    before = [incident("acme/p1", 50, id="x")]
    assert kept([incident("acme/p1/build", 50), incident("acme/p1", 52)], before) == ["acme/p1/build up 50", "x"]


@pytest.fixture(scope="module")
def daily() -> pl.DataFrame:
    """A project that doubles, beside another one."""
    more = factors(DAYS, {AT: 2.2})
    return tree(
        drawn(DAYS, number, f"acme/{project}/build/{job}", times_runs=more if project == "p1" else 1.0)
        for number, (project, job) in enumerate((p, j) for p in ("p1", "p2") for j in ("lint", "test"))
    )


def found_in(daily: pl.DataFrame) -> tuple[pl.DataFrame, Hierarchy]:
    hierarchy = hierarchy_of(daily.get_column("series").to_list())
    current = incidents(detect(daily, SETTINGS), hierarchy, SETTINGS)
    return current, Hierarchy(dict(hierarchy.select("series", "parent").iter_rows()))


def ids_day_by_day(daily: pl.DataFrame, restated: dict[int, pl.DataFrame] | None = None) -> list[list[str]]:
    """The ids of each day's run, each after the one before."""
    before = pl.DataFrame(schema=INCIDENT_SCHEMA).select(KNOWN).with_columns(data_through=day(AT))
    seen = []
    for number in range(AT, AT + 12):
        known = (restated or {}).get(number, daily).filter(pl.col("date") <= day(number))
        current, parents = found_in(known)
        before = ids_kept(current, before, parents).select(KNOWN).with_columns(data_through=day(number))
        seen.append(before.get_column("incident_id").to_list())
    return seen


def test_ids_stay_with_each_further_day(daily: pl.DataFrame) -> None:
    seen = ids_day_by_day(daily)
    assert len({tuple(ids) for ids in seen if ids}) == 1
    assert len(seen[-1]) == 1
    assert sum(bool(ids) for ids in seen) >= 10


def test_ids_stay_when_past_days_are_restated(daily: pl.DataFrame) -> None:
    draw = np.random.default_rng(3)
    restated = {
        number: times(daily, [day(number - back) for back in range(1, 5)], float(draw.uniform(0.97, 1.03)))
        for number in range(AT, AT + 12)
    }
    seen = ids_day_by_day(daily, restated)
    assert len({tuple(ids) for ids in seen if ids}) == 1


def test_ids_stay_when_a_restated_day_was_the_first_one(daily: pl.DataFrame) -> None:
    first = found_in(daily)[0]
    jobs = daily.filter(pl.col("series").str.count_matches("/") == 3)
    changed = pl.col("series").str.contains("p1")
    later, parents = found_in(tree([times(jobs.filter(changed), [day(AT)], 0.45), jobs.filter(~changed)]))
    assert (first.height, later.height) == (1, 1)
    assert later.item(0, "first_day") > first.item(0, "first_day")
    assert later.item(0, "incident_id") != first.item(0, "incident_id")
    before = first.select(KNOWN).with_columns(data_through=day(DAYS - 1))
    assert ids_kept(later, before, parents).item(0, "incident_id") == first.item(0, "incident_id")


def test_the_same_data_give_the_same_ids(daily: pl.DataFrame) -> None:
    ids = [
        found_in(frame)[0].get_column("incident_id").to_list()
        for frame in (daily, daily.sample(fraction=1.0, seed=1, shuffle=True))
    ]
    assert ids[0] == ids[1] != []


def test_ids_differ_by_organization_series_direction_and_day() -> None:
    days = (date(2026, 3, 1), date(2026, 3, 2))
    ids = {incident_id(o, s, way, when) for o in "ab" for s in "cd" for way in ("up", "down") for when in days}
    assert len(ids) == 16


def test_another_view_of_the_same_cost_is_not_reported_again() -> None:
    explaining = incident("acme", 50, last=60)
    for first, last, reported in ((40, 42, True), (40, 43, False), (55, 56, False), (67, 70, False), (68, 70, True)):
        team = incident("tag:team=web", first, last=last)
        assert without_those_explained(team, explaining).height == int(reported)
        assert without_those_explained(team, explaining.with_columns(direction=pl.lit("down"))).height == 1
    both = pl.concat([incident("tag:team=web", 10), incident("tag:team=api", 50), incident("tag:team=db", 90)])
    assert without_those_explained(both, explaining).get_column("series").to_list() == ["tag:team=web", "tag:team=db"]


def test_a_new_price_explains_a_change_of_its_size_in_another_view_for_three_weeks() -> None:
    price = incident("acme", 50, kind="price_change")
    for first, impact, reported in ((50, 25.0, False), (65, 25.0, False), (71, 25.0, False), (72, 25.0, True)):
        team = incident("tag:team=web", first, last=first + 5).with_columns(impact=pl.lit(impact))
        assert without_those_explained(team, price).height == int(reported)
    doubled = incident("tag:team=web", 52).with_columns(impact=pl.lit(100.0))
    assert without_those_explained(doubled, price).height == 1
