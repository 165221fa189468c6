"""Alarms of one cause are one incident, at the level that explains it best."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.incidents.incidents import INCIDENT_SCHEMA, incidents
from circleci_cost_tests.model.anomalies.builders import (
    PRICE,
    Floats,
    day,
    drawn,
    factors,
    hierarchy_of,
    once,
    place,
    tree,
)

DAYS, AT = 108, 78
SETTINGS = Anomalies(minimum_impact_usd=Decimal("0.1"), minimum_impact_share=Decimal("0.05"))
MORE, LESS = factors(DAYS, {AT: 2.0}), factors(DAYS, {AT: 0.4})
Changes = Mapping[str, Mapping[str, Floats]]


def organization(name: str, seed: int, changes: Changes, days: int = DAYS) -> pl.DataFrame:
    """Three projects of two workflows of two jobs, summed up; what lies in the scope of a change is drawn with it."""
    jobs = [
        f"{name}/p{p}/{workflow}/{job}"
        for p in range(3)
        for workflow in ("build", "deploy")
        for job in ("lint", "test")
    ]
    leaves = []
    for number, job in enumerate(jobs):
        drawn_with: dict[str, Any] = {"price": PRICE, "times_runs": 1.0, "times_run": 1.0}
        for scope, change in changes.items():
            if f"{job}/".startswith(f"{scope}/"):
                drawn_with |= {what: drawn_with[what] * factor for what, factor in change.items()}
        leaves.append(drawn(days, 100 * seed + number, job, **drawn_with))
    return tree(leaves)


def found_in(
    daily: pl.DataFrame, settings: Anomalies = SETTINGS, top: str | None = None, calendar: Calendar = DEFAULT_CALENDAR
) -> pl.DataFrame:
    """The incidents of organizations, with a cost center above them if it is named."""
    names = daily.get_column("series").unique().to_list()
    if top is not None:
        whole = daily.filter(~pl.col("series").str.contains("/")).with_columns(pl.lit(top).alias("series"))
        daily = pl.concat([daily, whole])
    return incidents(detect(daily, settings, calendar), hierarchy_of(names, top), settings)


def reported(incident_rows: pl.DataFrame, since: int = AT) -> list[tuple[str, str]]:
    """Series and direction of the incidents that are told from a day on, and not weeks after it."""
    soon = incident_rows.filter(pl.col("told_on").is_between(day(since), day(since + 10)))
    return soon.select("series", "direction").sort("series").rows()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("scope", "factor"),
    [("acme/p1/build/test", 3.0), ("acme/p1/build", 2.0), ("acme/p1", 2.0), ("acme", 1.7)],
    ids=["job", "workflow", "project", "organization"],
)
def test_a_shift_is_reported_once_at_the_level_that_has_shifted(scope: str, factor: float, seed: int) -> None:
    incident_rows = found_in(organization("acme", seed, {scope: {"times_runs": factors(DAYS, {AT: factor})}}))
    assert reported(incident_rows) == [(scope, "up")]
    row = incident_rows.row(by_predicate=(pl.col("series") == scope) & (pl.col("told_on") < day(AT + 4)), named=True)
    assert (row["organization"], row["kind"], row["direction"]) == ("acme", "level_shift", "up")
    assert row["status"] != "ended"
    assert place(row["first_day"]) == AT
    assert row["series_in_alarm"] >= 3


def test_an_outage_of_a_whole_organization_is_an_incident_of_the_organization() -> None:
    incident_rows = found_in(organization("acme", 1, {"acme": {"times_runs": once(DAYS, [AT], 0.0)}}))
    assert incident_rows.select("series", "kind", "direction", "first_day", "last_day", "told_on", "status").rows() == [
        ("acme", "outage", "down", day(AT), day(AT), day(AT), "ended")
    ]
    assert incident_rows.item(0, "series_in_alarm") == 22


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_projects_at_once_are_two_incidents(seed: int) -> None:
    incident_rows = found_in(
        organization("acme", seed, {"acme/p0": {"times_runs": MORE}, "acme/p2": {"times_runs": MORE}})
    )
    assert reported(incident_rows) == [("acme/p0", "up"), ("acme/p2", "up")]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_rise_and_a_fall_are_two_incidents(seed: int) -> None:
    incident_rows = found_in(
        organization("acme", seed, {"acme/p0": {"times_runs": MORE}, "acme/p2": {"times_runs": LESS}})
    )
    assert reported(incident_rows) == [("acme/p0", "up"), ("acme/p2", "down")]


@pytest.mark.parametrize("seed", [1, 2])
def test_two_changes_weeks_apart_are_two_incidents_each_from_its_own_day(seed: int) -> None:
    early = {"times_runs": factors(DAYS, {49: 2.0})}
    incident_rows = found_in(organization("acme", seed, {"acme/p0": {"times_runs": MORE}, "acme/p1": early}))
    shifts = (
        incident_rows.filter(pl.col("kind") == "level_shift").select("series", "first_day").sort("first_day").rows()
    )
    assert shifts == [("acme/p1", day(49)), ("acme/p0", day(AT))]


def test_all_organizations_at_once_are_an_incident_of_the_cost_center() -> None:
    down = {name: {"times_runs": once(DAYS, [AT], 0.0)} for name in ("acme", "beta")}
    both = pl.concat([organization("acme", 1, down), organization("beta", 2, down)])
    incident_rows = found_in(both, top="center")
    assert incident_rows.select("organization", "series", "kind", "first_day").rows() == [
        ("center", "center", "outage", day(AT))
    ]


def test_a_change_in_one_of_two_organizations_is_an_incident_of_that_one() -> None:
    down = {"acme": {"times_runs": once(DAYS, [AT], 0.0)}}
    both = pl.concat([organization("acme", 1, down), organization("beta", 2, down)])
    assert reported(found_in(both, top="center")) == [("acme", "down")]


def test_a_new_price_is_reported_once_for_all_series_that_have_it() -> None:
    dearer = {name: {"price": factors(DAYS, {AT: 1.2})} for name in ("acme", "beta")}
    both = pl.concat([organization("acme", 1, dearer), organization("beta", 2, dearer)])
    expected = [("center", "price_change", "up", day(AT), day(AT), day(AT), "new_normal")]
    names = ["series", "kind", "direction", "first_day", "last_day", "told_on", "status"]
    assert found_in(both, top="center").select(names).rows() == expected
    single = found_in(organization("acme", 1, dearer))
    assert single.select(names).rows() == [("acme", *expected[0][1:])]
    usual = organization("acme", 1, {}).filter(pl.col("date").is_between(day(AT - 28), day(AT - 1)), series="acme")
    per_day = 0.2 * float(usual.get_column("cost").mean())  # type: ignore[arg-type]
    assert single.item(0, "impact") == pytest.approx(per_day, rel=0.1)
    assert single.item(0, "impact_share") == pytest.approx(0.2)
    assert single.item(0, "monthly_impact") == pytest.approx(per_day * 365.25 / 12, rel=0.1)


def test_the_impact_of_a_new_price_on_a_holiday_is_that_on_usual_days() -> None:
    changed = {"acme": {"price": factors(DAYS, {AT: 1.2}), "times_runs": once(DAYS, [AT], 0.02)}}
    settings = Anomalies(minimum_impact_usd=Decimal(1))
    incident_rows = found_in(organization("acme", 1, changed), settings, calendar=Calendar(closures=(day(AT),)))
    assert incident_rows.select("series", "kind", "first_day", "told_on").rows() == [
        ("acme", "price_change", day(AT), day(AT))
    ]
    assert incident_rows.item(0, "impact_share") == pytest.approx(0.2)
    assert incident_rows.item(0, "expected") > 20 * incident_rows.item(0, "impact_per_day") / 6


def test_a_new_project_is_one_incident_of_the_whole_of_it() -> None:
    old, new = organization("acme", 1, {}), organization("acme", 2, {})
    born = new.filter(pl.col("series").str.starts_with("acme/p1"), pl.col("date") >= day(AT)).with_columns(
        pl.col("series").str.replace("p1", "p9")
    )
    more = born.filter(series="acme/p9").with_columns(pl.lit("acme").alias("series"))
    daily = pl.concat([old, born, more])
    incident_rows = found_in(daily)
    assert reported(incident_rows) == [("acme/p9", "up")]
    row = incident_rows.row(by_predicate=pl.col("series") == "acme/p9", named=True)
    assert (row["kind"], row["first_day"], row["expected"]) == ("new", day(AT), 0)
    assert row["impact"] == pytest.approx(row["actual"])
    assert row["status"] == "new_normal"


def test_the_end_of_a_project_is_an_incident_of_the_project() -> None:
    ended = {"acme/p1": {"times_runs": factors(DAYS, {AT: 0.0})}}
    incident_rows = found_in(organization("acme", 1, ended))
    assert reported(incident_rows) == [("acme/p1", "down")]
    row = incident_rows.row(by_predicate=pl.col("series") == "acme/p1", named=True)
    assert row["kind"] in {"outage", "vanished"}
    assert row["status"] == "new_normal"


def test_quiet_organizations_have_no_incidents() -> None:
    for seed in range(4, 8):
        assert found_in(organization("acme", seed, {})).height == 0


def test_an_incident_small_for_its_organization_is_not_reported() -> None:
    small = {"acme/p1/build/test": {"times_runs": factors(DAYS, {AT: 3.0})}}
    daily = organization("acme", 1, small)
    share = found_in(daily).item(0, "impact_share")
    assert 0.1 < share < 0.25
    assert found_in(daily, Anomalies(minimum_impact_usd=Decimal(0), minimum_impact_share=Decimal("0.3"))).height == 0
    assert found_in(daily, Anomalies(minimum_impact_usd=Decimal(1000))).height == 0
    kept = found_in(daily, Anomalies(minimum_impact_usd=Decimal(1), minimum_impact_share=Decimal(0)))
    assert "acme/p1/build/test" in kept.get_column("series").to_list()


def test_directions_that_are_not_asked_for_are_no_incidents() -> None:
    daily = organization("acme", 1, {"acme/p0": {"times_runs": MORE}, "acme/p2": {"times_runs": LESS}})
    settings = Anomalies(minimum_impact_usd=Decimal("0.1"), directions=("down",))
    assert reported(found_in(daily, settings)) == [("acme/p2", "down")]


def test_no_rows_have_no_incidents_and_series_outside_the_hierarchy_are_left_out() -> None:
    empty = detect(pl.DataFrame(schema={"series": pl.String, "date": pl.Date, "cost": pl.Float64}))
    assert incidents(empty, hierarchy_of([])).schema == INCIDENT_SCHEMA
    judged = detect(organization("acme", 1, {"acme": {"times_runs": once(DAYS, [AT], 0.0)}}))
    others = hierarchy_of(["beta", "beta/p0"])
    incident_rows = incidents(judged, others, SETTINGS)
    assert (incident_rows.height, incident_rows.schema) == (0, INCIDENT_SCHEMA)


def test_later_days_do_not_change_the_day_of_the_report() -> None:
    changes: dict[str, dict[str, Floats]] = {
        "acme/p0": {"times_runs": factors(DAYS, {57: 1.9})},
        "acme/p2/deploy/test": {"times_runs": once(DAYS, [75], 8.0)},
        "acme": {"times_runs": once(DAYS, [85], 0.0)},
    }
    judged = detect(organization("acme", 1, changes), SETTINGS)
    hierarchy = hierarchy_of(judged.get_column("series").to_list())
    whole = incidents(judged, hierarchy, SETTINGS)
    days = dict(whole.select("series", "told_on").iter_rows())
    assert {"acme/p0", "acme/p2/deploy/test", "acme"} <= set(days)
    first_seen: dict[str, date] = {}
    for number in range(57, 89):
        incident_rows = incidents(judged.filter(pl.col("date") <= day(number)), hierarchy, SETTINGS)
        for series in incident_rows.get_column("series").to_list():
            first_seen.setdefault(series, day(number))
    assert {name: first_seen[name] for name in days} == days
