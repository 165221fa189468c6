from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from .anomaly_incident_scores import incident_counts, incident_figures
from .anomaly_labels import NEW, Happening, causes_of, effects_of, explained_of, labels_of, measured_days
from .anomaly_scores import alarms_of, counts, figures, judged, with_delays
from .anomaly_series import LabelledSet
from .anomaly_tables import FIRST, daily_table, hierarchy_of, rolled_up

JOB = "acme/web/build/test"


def day(number: int) -> date:
    """Return a day by its number; number 49 is a Saturday."""
    return FIRST + timedelta(days=number)


def detected(*days: int, series: str = JOB, direction: str = "up") -> pl.DataFrame:
    """Return anomalous days of one series, as a detector returns them."""
    return pl.DataFrame(
        {"series": series, "date": [day(n) for n in days], "direction": direction, "is_anomaly": True},
        schema={"series": pl.String, "date": pl.Date, "direction": pl.String, "is_anomaly": pl.Boolean},
    )


def label(first: int, ends: int, over: int | None = None, **changed: object) -> dict[str, object]:
    """Return one label of JOB."""
    usual = {
        "event": f"event {first}",
        "kind": "spike",
        "series": JOB,
        "level": "job",
        "first_day": day(first),
        "last_day": day(first),
        "ends": day(ends),
        "over": None if over is None else day(over),
        "direction": "up",
        "effect_share": 1.0,
        "effect_usd_per_day": 1.0,
        "visibility": 5.0,
        "grown": day(first),
    }
    return usual | changed


def table(*labels: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(labels, schema_overrides={"over": pl.Date})


def explained(*windows: tuple[int, int]) -> pl.DataFrame:
    rows = [(JOB, day(first), day(last), "small") for first, last in windows]
    schema = {"series": pl.String, "first_day": pl.Date, "last_day": pl.Date, "event": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def verdicts(days: pl.DataFrame, labels: pl.DataFrame, *windows: tuple[int, int]) -> list[str]:
    return judged(alarms_of(days), labels, explained(*windows))["verdict"].to_list()


def test_gaps_of_two_days_are_bridged_and_of_three_are_not() -> None:
    alarms = alarms_of(detected(40, 43, 47))
    assert alarms["alarm"].to_list() == [day(40), day(40), day(47)]


def test_directions_and_series_make_their_own_alarms() -> None:
    days = pl.concat([detected(40), detected(41, direction="down"), detected(41, series="acme")])
    assert alarms_of(days).select("series", "direction", "alarm").unique().height == 3


def test_an_alarm_is_right_from_the_first_day_to_the_grace_and_false_around_it() -> None:
    labels = table(label(50, 52))
    assert verdicts(detected(50), labels) == ["right"]
    assert verdicts(detected(52), labels) == ["right"]
    assert verdicts(detected(49), labels) == ["false"]
    assert verdicts(detected(53), labels) == ["false"]
    assert verdicts(detected(48, 49, 50), labels) == ["right"]


def test_an_alarm_in_the_wrong_direction_or_of_another_series_is_false() -> None:
    labels = table(label(50, 52))
    assert verdicts(detected(50, direction="down"), labels) == ["false"]
    assert verdicts(detected(50, series="acme"), labels) == ["false"]


def test_an_alarm_across_a_label_that_has_no_day_in_it_is_false() -> None:
    assert verdicts(detected(49, 52), table(label(50, 51))) == ["false"]


def test_explained_days_excuse_alarms_that_begin_in_them() -> None:
    labels = table(label(50, 52))
    assert verdicts(detected(70, direction="down"), labels, (70, 75)) == ["neither"]
    assert verdicts(detected(69, 70), labels, (70, 75)) == ["false"]


def test_the_echo_of_what_went_away_is_excused_for_ten_days_in_the_other_direction() -> None:
    labels = table(label(50, 53, over=51))
    assert verdicts(detected(52, direction="down"), labels) == ["neither"]
    assert verdicts(detected(61, direction="down"), labels) == ["neither"]
    assert verdicts(detected(62, direction="down"), labels) == ["false"]
    assert verdicts(detected(58), labels) == ["false"]
    assert verdicts(detected(55, direction="down"), table(label(50, 71))) == ["false"]


def test_the_delay_counts_from_the_first_day_to_the_first_anomalous_one_within() -> None:
    labels = table(label(50, 71), label(100, 121), label(200, 260, grown=day(220)))
    delays = with_delays(alarms_of(detected(49, 53, 54, 225)), labels)
    assert delays.select("delay_days", "late_days").rows() == [(3, 3), (None, None), (25, 5)]
    early = with_delays(alarms_of(detected(215)), labels)
    assert early.select("delay_days", "late_days").rows()[2] == (15, 0)


def test_a_drift_has_grown_when_it_has_reached_20_percent() -> None:
    usual = {"old_enough": True, "scope": JOB, "usual": 1.0}
    rows = [
        label(50, 94, kind="drift", last_day=day(80), effect_share=0.8) | usual,
        label(50, 52, effect_share=2.0) | usual,
    ]
    assert labels_of(table(*rows))["grown"].to_list() == [day(58), day(50)]


def small_set(labels: pl.DataFrame) -> LabelledSet:
    """Return a set of one job, 367 scored days and the given labels."""
    jobs = pl.DataFrame(
        {"series": JOB, "date": [day(n) for n in range(395)], "runs": 1, "run_seconds": 60, "credits": 10}
    ).with_columns(cost=pl.lit(1.0), cost_squared=pl.lit(1.0))
    daily = daily_table(jobs, [], [day(394), day(393)])
    causes = pl.DataFrame(
        {
            "event": ["event 50", "event 90", "event 120"],
            "organization": "acme",
            "series": ["acme/web", "acme/web", "acme/api"],
            "kind": ["spike", "spike", NEW],
            "direction": "up",
            "first_day": [day(50), day(90), day(120)],
            "last_day": [day(50), day(90), day(134)],
            "ends": [day(52), day(92), day(141)],
            "over": [day(50), day(90), None],
            "grown": [day(50), day(90), day(120)],
            "organization_share": [0.2, 0.03, 0.5],
            "effect_usd_per_day": [1.0, 0.1, 2.0],
        }
    )
    countries = pl.DataFrame({"organization": ["acme"], "country": ["DE"]})
    return LabelledSet(daily, hierarchy_of(daily), labels, explained(), causes, countries)


def test_figures_are_those_of_the_sum_of_all_sets() -> None:
    labelled = small_set(table(label(50, 52), label(100, 121, kind="level_shift")))
    first = counts(pl.concat([detected(51), detected(200)]), labelled)
    other = counts(detected(50, 103), labelled)
    rows = {row["slice"]: row for row in figures([first, other]).iter_rows(named=True)}
    assert rows["all"]["labels"] == 4
    assert rows["all"]["recall"] == 0.75
    assert rows["all"]["precision"] == 0.75
    assert rows["all"]["f1"] == 0.75
    assert rows["all"]["false_per_series_year"] == pytest.approx(365 / (8 * 367))
    assert rows["job"]["false_per_series_year"] == pytest.approx(365 / (2 * 367))
    assert rows["organizations and projects"]["labels"] == 0
    assert (rows["spike"]["recall"], rows["spike"]["delay_days"]) == (1.0, 0.5)
    assert (rows["level_shift"]["recall"], rows["level_shift"]["delay_days"]) == (0.5, 3.0)
    assert rows["spike"]["precision"] is None
    assert (rows["all"]["year_end"], rows["spike"]["year_end"]) == (0.0, None)
    at_year_end = figures([counts(detected(51, 55, 200, 300), labelled)]).row(0, named=True)
    assert at_year_end["year_end"] == pytest.approx(1 / 3)


def test_the_first_28_days_are_not_scored() -> None:
    labelled = small_set(table(label(20, 22), label(50, 52)))
    row = figures([counts(detected(20, 27), labelled)]).row(0, named=True)
    assert (row["labels"], row["recall"], row["false_per_series_year"]) == (1, 0.0, 0.0)


def test_labels_that_the_noise_hides_can_be_left_out_and_excuse_their_alarms() -> None:
    labelled = small_set(table(label(50, 52, visibility=1.0), label(100, 102)))
    row = figures([counts(detected(50, 100), labelled, minimum_visibility=2.0)]).row(0, named=True)
    assert (row["labels"], row["recall"], row["precision"]) == (1, 1.0, 1.0)


def incidents(*rows: tuple[str, int, int, str] | tuple[str, int, int, str, int]) -> pl.DataFrame:
    """Return spikes of acme: series, first day, the day it was reported, direction, and its last day if later."""
    return pl.DataFrame(
        [
            ("acme", series, "spike", day(first), day(*last or (told_on,)), way, day(told_on))
            for series, first, told_on, way, *last in rows
        ],
        schema={
            "organization": pl.String,
            "series": pl.String,
            "kind": pl.String,
            "first_day": pl.Date,
            "last_day": pl.Date,
            "direction": pl.String,
            "told_on": pl.Date,
        },
        orient="row",
    )


def test_incidents_are_held_against_causes_of_five_percent() -> None:
    incident_rows = incidents(
        ("acme/web/build", 50, 51, "up"),  # within the cause's project
        ("acme", 52, 52, "up"),  # above it: the same cause, reported again
        ("acme/web", 54, 55, "down"),  # the echo
        ("acme/web", 90, 90, "up"),  # about an event of 3 %
        ("acme/api", 121, 122, "up"),  # about a project that began
        ("acme/other", 50, 50, "up"),  # about nothing
        ("acme/web", 10, 10, "up"),  # not scored
        ("acme/web", 48, 49, "up", 51),  # reported before the cause began
    )
    counted = incident_counts(incident_rows, small_set(table(label(50, 52))), detected())
    whole = counted.filter(pl.col("slice") == "all").row(0, named=True)
    assert {name: whole[name] for name in ("causes", "found", "right", "twice", "neither", "false")} == {
        "causes": 1,
        "found": 1,
        "right": 2,
        "twice": 1,
        "neither": 3,
        "false": 2,
    }
    row = incident_figures([counted]).row(0, named=True)
    assert (row["recall"], row["precision"], row["delay_days"]) == (1.0, pytest.approx(2 / 4), 1.0)
    assert row["false_per_organization_month"] == pytest.approx(2 / (367 / 30.4375), rel=1e-6)


def test_a_change_is_measured_on_its_own_days_or_the_first_fortnight() -> None:
    assert measured_days(Happening("e", "outage", "acme", day(50), day(52))) == [day(50), day(51), day(52)]
    assert measured_days(Happening("e", "level_shift", "acme", day(50), None)) == [day(n) for n in range(50, 64)]
    assert measured_days(Happening("e", "drift", "acme", day(50), day(90)))[0] == day(90)
    leak = measured_days(Happening("e", "weekend_leak", "acme", day(49), day(57)))
    assert leak == [day(49), day(50), day(56), day(57)]


def test_sums_go_up_the_hierarchy() -> None:
    jobs = pl.DataFrame({"series": ["acme/web/build/a", "acme/web/build/b", "acme/api/build/a"], "cost": [1, 2, 4]})
    summed = dict(rolled_up(jobs, (), ("cost",)).iter_rows())
    assert summed == {
        "acme": 7,
        "acme/web": 3,
        "acme/api": 4,
        "acme/web/build": 3,
        "acme/api/build": 4,
        "acme/web/build/a": 1,
        "acme/web/build/b": 2,
        "acme/api/build/a": 4,
    }


def test_an_event_is_a_label_from_20_percent_and_explains_from_2() -> None:
    jobs = ("acme/web/build/a", "acme/web/build/b", "acme/api/build/a")
    daily_jobs = pl.concat(
        pl.DataFrame({"series": name, "date": [day(n) for n in range(100)], "runs": 1, "run_seconds": 1, "credits": 1})
        for name in jobs
    ).with_columns(
        pl.col("series").replace_strict(dict(zip(jobs, (1.0, 9.0, 90.0), strict=True))).alias("cost"),
        pl.lit(1.0).alias("cost_squared"),
    )
    daily = daily_table(daily_jobs, [], [])
    happening = Happening("e", "spike", "acme/web/build/a", day(60), day(60))
    measured = pl.DataFrame(
        {
            "event": "e",
            "series": jobs,
            "date": day(60),
            "cost_with": [4.0, 9.0, 90.0],
            "cost_without": [1.0, 9.0, 90.0],
        }
    )
    effects = effects_of([happening], measured, daily)
    labels = labels_of(effects)
    assert dict(labels.select("series", "effect_share").iter_rows()) == {
        "acme/web": pytest.approx(0.3),
        "acme/web/build": pytest.approx(0.3),
        "acme/web/build/a": pytest.approx(3.0),
    }
    assert set(labels["ends"]) == {day(62)}
    assert_frame_equal(
        explained_of(effects),
        pl.DataFrame({"series": ["acme"], "first_day": [day(60)], "last_day": [day(70)], "event": ["e"]}),
    )
    assert causes_of(effects).select("series", "organization_share").rows() == [
        ("acme/web/build/a", pytest.approx(0.03))
    ]
    early = effects_of([happening._replace(first_day=day(10), last_day=day(10))], measured, daily)
    assert labels_of(early).height == 0


def test_a_day_that_was_not_exported_is_not_complete() -> None:
    daily = small_set(table(label(50, 52))).daily.filter(pl.col("series") == JOB)
    assert daily.select("runs", "complete").rows()[-3:] == [(1, True), (0, False), (0, False)]
