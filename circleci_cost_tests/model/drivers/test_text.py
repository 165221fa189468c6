"""Sentences, amounts that add up as they are written, baselines and links."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.drivers.baseline import day_weights, previous, range_before, weekdays_before
from circleci_cost.model.drivers.decomposition import decompose
from circleci_cost.model.drivers.links import JobRun, job_run_url
from circleci_cost.model.drivers.text import place_text, reasons_text, rounded, sentence
from circleci_cost.text.amounts import change_text
from circleci_cost_tests.model.drivers.builders import period

MONDAY = date(2026, 3, 2)
EVERY = {MONDAY + timedelta(days=number) for number in range(-60, 60)}
IDS: dict[str, Any] = {
    "organization_id": "o-1",
    "project_id": "p-1",
    "pipeline_number": 7,
    "workflow_id": "w-1",
    "job_run_number": 42,
}


def test_the_sentence_says_class_and_price_and_its_amounts_add_up() -> None:
    before = period({"runs": 120, "minutes": 1200, "compute": 120_000, "price": Decimal("0.00055")})
    after = period({"runs": 126, "minutes": 1250, "compute": 250_000, "resource_class": "large"})
    row = decompose(before, after, ["project", "workflow", "job"]).row(0, named=True)
    assert sentence(row) == (
        "+$84.00 (+127 %): credits per minute +$70.92 (resource class medium → large), price per credit +$8.90 "
        "($0.00055 → $0.0006), runs +$4.99 (120 → 126), minutes per run -$0.81 (10 → 9.9)."
    )
    assert place_text(row, ["project", "workflow", "job"]) == "project web, workflow build, job test"


def test_rows_without_a_change_or_a_name_have_words_too() -> None:
    same = period({"compute": 10})
    row = decompose(same, same, ["job"]).row(0, named=True)
    assert (sentence(row), reasons_text(row), place_text({}, ["job"])) == ("$0.00.", "", "everything")
    new = decompose(same.clear(), period({"compute": 10}), ["job"]).row(0, named=True)
    assert sentence(new) == "+$0.0060: new job +$0.0060."
    seats = {"organization": "acme", "project": "(seats)", "workflow": "(seats)", "job": "(seats)"}
    assert place_text(seats, list(seats)) == "organization acme, seats"


def test_changes_are_written_with_sign_and_share() -> None:
    assert change_text(Decimal(100), Decimal("12.345")) == "+$12.34 (+12 %)"
    assert change_text(Decimal(100), Decimal("-1.5")) == "-$1.50 (-1.5 %)"
    assert change_text(Decimal(0), Decimal("1234.5")) == "+$1,234.50"


@given(st.lists(st.decimals(min_value=-1000, max_value=1000, places=16), min_size=1, max_size=16))
def test_rounded_amounts_add_up_to_the_rounded_total(amounts: list[Decimal]) -> None:
    cent = Decimal("0.01")
    total = sum(amounts, start=Decimal(0))
    parts = rounded(amounts, total, cent)
    assert sum(parts, start=Decimal(0)) == total.quantize(cent)
    assert all(abs(written - amount) < cent for written, amount in zip(parts, amounts, strict=True))


def test_the_baseline_is_the_mean_of_the_same_weekdays_of_four_weeks() -> None:
    comparison = weekdays_before(DayRange(MONDAY, MONDAY + timedelta(days=7)), EVERY)
    assert len(comparison.after) == 8
    weights = {day.weekday(): comparison.before[day] for day in comparison.before}
    assert weights == {0: Fraction(1, 2)} | {weekday: Fraction(1, 4) for weekday in range(1, 7)}
    assert len(comparison.before) == 28
    assert sum(comparison.before.values()) == 8


def test_special_and_unknown_days_are_left_out_of_the_baseline() -> None:
    period_ = DayRange(MONDAY, MONDAY + timedelta(days=1))
    mondays = [MONDAY - timedelta(days=7 * week) for week in range(1, 5)]
    comparison = weekdays_before(period_, EVERY - {mondays[1]}, special={mondays[0]})
    assert {day for day in comparison.before if day.weekday() == 0} == set(mondays[2:])
    assert comparison.before[mondays[2]] == Fraction(1, 2)
    assert {day for day in weekdays_before(period_, EVERY, special=set(mondays)).before if day.weekday() == 0} == set(
        mondays
    )
    without = weekdays_before(period_, EVERY - set(mondays))
    assert without.after == (MONDAY + timedelta(days=1),)


def test_other_periods_are_scaled_to_the_days_that_are_known() -> None:
    period_ = DayRange(MONDAY, MONDAY + timedelta(days=6))
    assert previous(period_) == DayRange(MONDAY - timedelta(days=7), MONDAY - timedelta(days=1))
    month = DayRange(MONDAY - timedelta(days=29), MONDAY - timedelta(days=2))
    comparison = range_before(period_, month, EVERY - {MONDAY})
    assert (len(comparison.after), set(comparison.before.values())) == (6, {Fraction(6, 28)})
    assert range_before(period_, DayRange(date(2020, 1, 1), date(2020, 1, 2)), EVERY).after == ()
    days, divisor = day_weights({("", "acme"): comparison})
    assert divisor == 14
    assert days.filter(side="before").get_column("weight").unique().to_list() == [3]
    assert days.filter(side="after").get_column("weight").unique().to_list() == [1]


@pytest.mark.parametrize(
    ("vcs", "url", "expected"),
    [
        ("github", "https://github.com/acme/web-app", "github/acme/web-app"),
        ("GitHub", "https://github.com/acme/web app.git", "github/acme/web%20app"),
        ("bitbucket", "https://bitbucket.org/acme/api", "bitbucket/acme/api"),
        ("circleci", "//circleci.com/o-1/p-1", "circleci/o-1/p-1"),
    ],
)
def test_links_go_to_the_job_of_its_workflow_and_pipeline(vcs: str, url: str, expected: str) -> None:
    link = job_run_url(JobRun(vcs_name=vcs, vcs_url=url, **IDS))
    assert link == f"https://app.circleci.com/pipelines/{expected}/7/workflows/w-1/jobs/42"


def test_without_its_pieces_there_is_no_link() -> None:
    assert job_run_url(JobRun(vcs_name=None, vcs_url="https://github.com/acme/web", **IDS)) is None
    assert job_run_url(JobRun(vcs_name="github", vcs_url=None, **IDS)) is None
    for name in ("pipeline_number", "workflow_id", "job_run_number"):
        parts = IDS | {name: None}
        assert job_run_url(JobRun(vcs_name="github", vcs_url="https://github.com/acme/web", **parts)) is None
