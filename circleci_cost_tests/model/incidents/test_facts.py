"""What an incident is told with: its days, its state, and its impact against what was expected before it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.incidents.incidents import INCIDENT_SCHEMA, incidents
from circleci_cost.model.incidents.quality import quality_of
from circleci_cost_tests.model.anomalies.builders import day, hierarchy_of, judged

WEEK = [10.0, 11.0, 12.0, 13.0, 14.0, 2.0, 1.0]
SPIKE, SHIFT = ("spike", "up", 2.0), ("level_shift", "up", 2.0)
SETTINGS = Anomalies(minimum_impact_usd=Decimal(1), minimum_impact_share=Decimal("0.05"))
MONTH = 365.25 / 12


def course(
    weeks: int,
    costs: Mapping[int, float | None],
    anomalies: Mapping[int, tuple[str, str, float]],
    expected: Mapping[int, float] | None = None,
) -> pl.DataFrame:
    """Weeks that cost what was expected of them, but for some days."""
    usual = WEEK * weeks
    values = [costs.get(number, value) for number, value in enumerate(usual)]
    return judged(values, [(expected or {}).get(number, value) for number, value in enumerate(usual)], anomalies)


def only(daily: pl.DataFrame, settings: Anomalies = SETTINGS) -> dict[str, Any]:
    """The one incident."""
    return incidents(daily, hierarchy_of(daily.get_column("series").to_list()), settings).row(0, named=True)


def test_the_impact_is_against_the_same_weekdays_before_whatever_was_expected_later() -> None:
    # From Thursday of the third week for eight days; expectations have followed from the second day on.
    days = range(17, 25)
    row = only(course(5, dict.fromkeys(days, 20.0), dict.fromkeys(days, SHIFT), dict.fromkeys(range(18, 25), 19.0)))
    usual = 13 + 14 + 2 + 1 + 10 + 11 + 12 + 13
    assert (row["first_day"], row["last_day"], row["alarms"]) == (day(17), day(24), 8)
    assert (row["actual"], row["expected"], row["impact"]) == (160.0, usual, 160.0 - usual)
    assert row["impact_per_day"] == (160 - usual) / 8
    assert row["impact_share"] == pytest.approx((160 - usual) / 8 / (sum(WEEK) / 7))
    assert row["told_on"] == day(17)
    assert row["told_per_day"] == 7.0
    # The largest mean of a week: of the days 17 to 23, and 18 to 24, which have the same weekdays.
    assert row["peak_per_day"] == pytest.approx(max(7.0, (7 + 6 + 18 + 19) / 4, (7 + 6 + 18 + 19 + 10 + 9 + 8) / 7))


def test_a_saving_has_negative_impacts() -> None:
    row = only(course(5, {17: 1.0}, {17: ("drop", "down", 1.5)}))
    assert [row[name] for name in ("direction", "impact", "impact_per_day", "told_per_day", "peak_per_day")] == [
        "down",
        -12.0,
        -12.0,
        -12.0,
        -12.0,
    ]
    assert row["impact_share"] == pytest.approx(-12 / 9)


def test_a_day_that_is_not_known_counts_neither_way() -> None:
    days = range(15, 19)
    row = only(course(5, {15: 30.0, 16: None, 17: 30.0, 18: 30.0}, {number: SHIFT for number in days if number != 16}))
    assert (row["actual"], row["expected"]) == (90.0, 11.0 + 13 + 14)


def test_quiet_days_within_are_part_of_an_incident_and_a_week_apart_begins_another() -> None:
    near = course(6, {15: 30.0, 18: 30.0}, {15: SPIKE, 18: SPIKE})
    assert (only(near)["first_day"], only(near)["last_day"], only(near)["alarms"]) == (day(15), day(18), 2)
    far = course(6, {15: 30.0, 29: 30.0}, {15: SPIKE, 29: SPIKE})
    incident_rows = incidents(far, hierarchy_of(["acme"]), SETTINGS)
    assert incident_rows.get_column("first_day").to_list() == [day(15), day(29)]


@pytest.mark.parametrize(
    ("days_after", "after", "status"),
    [
        (0, 1.0, "open"),
        (2, 1.0, "open"),
        (3, 1.0, "ended"),
        (9, 1.0, "ended"),
        (9, 2.0, "new_normal"),
        (3, 2.0, "new_normal"),
    ],
)
def test_an_incident_is_open_for_two_quiet_days_then_ended_or_the_new_normal(
    days_after: int, after: float, status: str
) -> None:
    during = range(21, 26)
    later = range(26, 35)
    usual = WEEK * 5
    costs = {number: usual[number] * 2 for number in during} | {number: usual[number] * after for number in later}
    whole = course(5, costs, dict.fromkeys(during, SHIFT), {number: costs[number] for number in later})
    row = only(whole.head(26 + days_after))
    assert row["status"] == status
    assert row["last_day"] == day(25)
    wanted = None if status == "ended" else pytest.approx((10 + 11 + 12 + 13 + 14) / 5 * MONTH)
    assert row["monthly_impact"] == wanted


def test_the_monthly_impact_projects_the_last_week_to_a_month() -> None:
    days = range(15, 29)
    usual = WEEK * 5
    costs = {number: usual[number] + (5 if number < 22 else 7) for number in days}
    row = only(course(4, costs, dict.fromkeys(range(15, 28), SHIFT)))
    assert row["monthly_impact"] == pytest.approx((6 * 7 + 5) / 7 * MONTH)


def test_one_weak_alarm_alone_is_not_reported_and_a_clear_one_is() -> None:
    for score, count in ((1.0, 0), (1.19, 0), (1.21, 1)):
        incident_rows = incidents(course(4, {17: 30.0}, {17: ("spike", "up", score)}), hierarchy_of(["acme"]), SETTINGS)
        assert incident_rows.height == count


def test_five_weak_alarms_are_reported_on_the_fifth() -> None:
    days = range(15, 20)
    weak = course(4, dict.fromkeys(days, 30.0), dict.fromkeys(days, ("level_shift", "up", 1.05)))
    assert only(weak)["told_on"] == day(19)
    assert incidents(weak.head(19), hierarchy_of(["acme"]), SETTINGS).height == 0


@pytest.mark.parametrize("kind", ["price_change", "drift", "new"])
def test_facts_and_drifts_are_reported_however_weak(kind: str) -> None:
    row = only(
        course(10, {60: 90.0}, {60: (kind, "up", 1.0)}),
        Anomalies(minimum_impact_usd=Decimal(0), minimum_impact_share=Decimal("0.001")),
    )
    assert (row["kind"], row["told_on"]) == (kind, day(60))


def test_a_drift_begins_before_its_first_alarm() -> None:
    usual = WEEK * 10
    costs = {number: usual[number] * (1 + 0.02 * max(number - 18, 0)) for number in range(70)}
    row = only(course(10, costs, dict.fromkeys(range(60, 64), ("drift", "up", 1.1))))
    assert (row["kind"], row["first_day"], row["told_on"], row["last_day"]) == ("drift", day(18), day(60), day(63))
    assert row["expected"] == pytest.approx(sum(usual[18:64]))
    assert row["actual"] == pytest.approx(sum(costs[number] for number in range(18, 64)))


def test_a_drift_of_a_part_after_a_shift_of_the_whole_does_not_make_it_older() -> None:
    shifted = range(60, 70)
    whole = course(12, dict.fromkeys(shifted, 40.0), dict.fromkeys(shifted, SHIFT))
    part = course(12, dict.fromkeys(shifted, 20.0), dict.fromkeys(range(64, 67), ("drift", "up", 1.1))).with_columns(
        pl.lit("acme/p1").alias("series")
    )
    incident_rows = incidents(pl.concat([whole, part]), hierarchy_of(["acme", "acme/p1", "acme/p2"]), SETTINGS)
    assert incident_rows.select("series", "first_day").rows() == [("acme", day(60))]


def test_a_series_that_was_zero_has_an_impact_share_of_its_organization() -> None:
    whole = course(5, {}, {})
    new = judged([0.0] * 20 + [3.0] * 15, [0.0] * 35, {20: ("new", "up", 3.0)}, "acme/p1")
    daily = pl.concat([whole, new])
    row = only(daily)
    assert (row["series"], row["expected"], row["actual"]) == ("acme/p1", 0.0, 3.0)
    assert row["impact_share"] == pytest.approx(3 / 9)


def test_without_an_expected_cost_of_the_organization_there_is_no_impact_share() -> None:
    row = only(judged([0.0] * 20 + [30.0] * 5, [0.0] * 25, dict.fromkeys(range(20, 25), ("new", "up", 3.0))))
    assert (row["impact"], row["impact_share"]) == (150.0, None)


def test_incidents_come_by_first_day_in_their_schema() -> None:
    daily = course(8, {40: 40.0, 20: 40.0}, {40: SPIKE, 20: SPIKE})
    incident_rows = incidents(daily, hierarchy_of(["acme"]), SETTINGS)
    assert incident_rows.schema == INCIDENT_SCHEMA
    assert incident_rows.get_column("first_day").to_list() == [day(20), day(40)]
    assert incident_rows.get_column("incident_id").n_unique() == 2
    assert incident_rows.get_column("incident_id").str.contains(r"^[0-9a-f]{10}$").all()


def test_a_drift_that_reaches_back_to_a_shift_is_the_rest_of_it() -> None:
    anomalies = {18: ("level_shift", "up", 2.0), 60: ("drift", "up", 2.0)}
    row = only(course(10, {18: 40.0, 60: 300.0}, anomalies))
    assert (row["first_day"], row["last_day"], row["alarms"]) == (day(18), day(60), 2)


def days_of(daily: pl.DataFrame) -> list[tuple[int, int]]:
    incident_rows = incidents(daily, hierarchy_of(["acme"]), SETTINGS).select("first_day", "last_day").rows()
    return [((first - day(0)).days, (last - day(0)).days) for first, last in incident_rows]


def test_two_spikes_with_usual_days_in_between_are_two_incidents() -> None:
    daily = course(8, {36: 60.0, 40: 60.0}, {36: SPIKE, 40: SPIKE})
    assert days_of(daily) == [(36, 36), (40, 40)]


def test_two_spikes_between_which_costs_have_stayed_high_are_one_incident() -> None:
    between = {37: 40.0, 38: 40.0, 39: 40.0}
    daily = course(8, {36: 60.0, **between, 40: 60.0}, {36: SPIKE, 40: SPIKE})
    assert days_of(daily) == [(36, 40)]


def test_week_ends_that_leak_are_one_incident() -> None:
    leak = ("weekend_leak", "up", 2.0)
    leaking = (33, 34, 40, 41)
    daily = course(8, dict.fromkeys(leaking, 20.0), dict.fromkeys(leaking, leak))
    assert days_of(daily) == [(33, 41)]


@pytest.mark.parametrize(("more", "reported"), [(60.0, ["acme", "acme/p1"]), (10.0, ["acme"])])
def test_a_large_change_of_a_project_within_a_shift_of_its_organization_is_reported_apart(
    more: float, reported: list[str]
) -> None:
    usual, at = [*WEEK * 4, *(2 * value for value in WEEK * 4)], 43
    expected = [*WEEK * 4, *WEEK[:5], *usual[33:]]
    spiked = [value + (more if number == at else 0) for number, value in enumerate(usual)]
    begun = dict.fromkeys(range(28, 33), SHIFT)
    projects = [
        judged(spiked, expected, {**begun, at: SPIKE}, "acme/p1"),
        *(judged(usual, expected, begun, f"acme/{name}") for name in ("p2", "p3")),
    ]
    whole = judged(
        [2 * value + other for value, other in zip(usual, spiked, strict=True)],
        [3 * value for value in expected],
        {**begun, **dict.fromkeys(range(39, at + 1), SHIFT)},
        "acme",
    )
    daily = pl.concat([whole, *projects])
    incident_rows = incidents(daily, hierarchy_of(["acme", "acme/p1", "acme/p2", "acme/p3"]), SETTINGS)
    assert incident_rows.get_column("series").to_list() == reported
    assert incident_rows.get_column("first_day").to_list() == [day(28), day(at)][: len(reported)]


def test_a_new_price_is_an_incident_of_its_own_whatever_goes_on() -> None:
    shifted = dict.fromkeys(range(28, 56), 30.0)
    anomalies = {**dict.fromkeys(range(28, 33), SHIFT), 37: ("price_change", "up", 20.0)}
    assert days_of(course(8, shifted, anomalies)) == [(28, 32), (37, 37)]


def test_quality_counts_lone_alarms_of_the_last_days_and_series_that_are_too_short() -> None:
    weak = ("spike", "up", 1.0)
    lone = judged([9.0] * 100, [10.0] * 100, {95: weak}, "acme/p1")
    shared = judged([9.0] * 100, [10.0] * 100, {70: weak}, "acme/p2")
    with_it = judged([9.0] * 100, [10.0] * 100, {72: weak}, "acme/p3")
    other_way = judged([9.0] * 100, [10.0] * 100, {96: ("drop", "down", 1.0)}, "acme/p4")
    long_ago = judged([9.0] * 100, [10.0] * 100, {5: weak}, "acme/p5")
    short = judged([9.0] * 100, [None] * 100, {}, "acme/p6").with_columns(pl.lit("too short a history").alias("note"))
    quality = quality_of(
        [pl.concat([lone, shared, with_it, other_way, long_ago, short])], pl.DataFrame(schema=INCIDENT_SCHEMA)
    )
    assert (quality.series, quality.too_short, quality.lone_alarms) == (6, 1, 2)
    assert quality.too_short_share == pytest.approx(1 / 6)
    assert quality.lone_alarms_per_series_year == pytest.approx(2 / (5 * 90 / 365.25))


def test_alarms_that_an_incident_explains_are_not_lone() -> None:
    daily = judged([9.0] * 100, [10.0] * 100, {95: ("spike", "up", 1.0)}, "acme/p1")
    large = course(15, {94: 60.0}, {94: SPIKE})
    incident_rows = incidents(large, hierarchy_of(["acme"]), SETTINGS)
    assert incident_rows.height == 1
    assert quality_of([daily], incident_rows).lone_alarms == 0
    assert quality_of([daily], incident_rows.with_columns(direction=pl.lit("down"))).lone_alarms == 1


def test_without_anything_judged_there_is_no_rate_of_false_alarms() -> None:
    for nothing in ([], [judged([], [], {})]):
        quality = quality_of(nothing, pl.DataFrame(schema=INCIDENT_SCHEMA))
        assert (quality.series, quality.lone_alarms_per_series_year, quality.too_short_share) == (0, None, 0.0)
