"""The state of budgets: exact sums and shares, limits at the boundary, periods at their ends, and what is unsure."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.days import days_between
from circleci_cost.model.budgets.amounts import amount_findings, amounts
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.findings import scope_findings
from circleci_cost.model.budgets.periods import PERIODS, Period, period_of
from circleci_cost.model.budgets.series import SPENT_SCHEMA, History, known_days
from circleci_cost.model.budgets.status import budget_status, current_day
from circleci_cost.model.forecast.forecasting import forecast, forecast_total

FIRST = date(2026, 1, 1)
MICRO = Decimal("0.000001")

Spent = Mapping[date, object]


def budget(**keys: object) -> Budget:
    return Budget.model_validate({"name": "web", "amount": 100, **keys})


def each_day(last: date, amount: object = 10, first: date = FIRST) -> dict[date, object]:
    return dict.fromkeys(days_between(first, last), amount)


def judged(
    asked: Budget,
    spent: Spent,
    through: date,
    *,
    unpriced: Spent | None = None,
    incomplete: tuple[date, ...] = (),
    first: date = FIRST,
) -> list[dict[str, Any]]:
    """The rows of one budget, forecast from what was spent by the real forecast."""
    history = History(first, through, incomplete)
    rows = [
        ("web", day, Decimal(str(value)), Decimal(str(value)), Decimal(str((unpriced or {}).get(day, 0))))
        for day, value in spent.items()
    ]
    series = pl.DataFrame(rows, schema=SPENT_SCHEMA, orient="row")
    daily = known_days(series.rename({"budget": "series"}), pl.Series(["web"]), history, asked.unit)
    until = period_of(asked.period, current_day(history)).last
    status = budget_status(
        amounts([asked], first, current_day(history)),
        series,
        forecast(daily, until).rename({"series": "budget"}),
        forecast_total(daily, until),
        history,
    )
    return status.to_dicts()


def test_a_running_period_in_full() -> None:
    row = judged(budget(amount=320, owner="web@example.com"), each_day(date(2026, 4, 12)), date(2026, 4, 12))[-1]
    assert row == {
        "budget": "web",
        "owner": "web@example.com",
        "parent": None,
        "period_kind": "month",
        "period": "2026-04",
        "period_start": date(2026, 4, 1),
        "period_end": date(2026, 4, 30),
        "unit": "USD",
        "amount": Decimal(320),
        "actual": Decimal(120),
        "unpriced_credits": Decimal(0),
        "days": 30,
        "days_gone": 12,
        "period_gone": Decimal("0.4"),
        "prorated_budget": Decimal(128),
        "run_rate": Decimal(300),
        # A constant series is expected to stay as it is.
        "forecast_median": pytest.approx(Decimal(300), abs=MICRO),
        "forecast_p10": row["forecast_p10"],
        "forecast_p90": row["forecast_p90"],
        "overrun_probability": row["overrun_probability"],
        "overrun_date": None,
        "status": "on_track",
        "note": None,
        "data_through": date(2026, 4, 12),
    }
    assert Decimal(120) <= row["forecast_p10"] <= row["forecast_median"] <= row["forecast_p90"]
    assert row["overrun_probability"] < Decimal("0.5")


def test_every_period_since_the_history_began_is_a_row_and_what_is_over_is_its_own_forecast() -> None:
    rows = judged(budget(amount=300), each_day(date(2026, 4, 12)), date(2026, 4, 12))
    assert [(row["period"], row["actual"], row["status"], row["overrun_date"]) for row in rows] == [
        ("2026-01", 310, "over_budget", date(2026, 1, 31)),
        ("2026-02", 280, "on_track", None),
        ("2026-03", 310, "over_budget", date(2026, 3, 31)),
        ("2026-04", 120, "on_track", None),
    ]
    for row in rows[:3]:
        assert row["forecast_median"] == row["forecast_p10"] == row["forecast_p90"] == row["actual"] == row["run_rate"]
        assert row["overrun_probability"] == (1 if row["actual"] > 300 else 0)
        assert (row["days_gone"], row["period_gone"]) == (row["days"], 1)


def test_spending_exactly_the_amount_is_not_over_and_a_ten_quadrillionth_more_is() -> None:
    through = date(2026, 3, 31)
    spent = each_day(through)
    assert judged(budget(amount=310), spent, through)[2]["status"] == "on_track"
    more = judged(budget(amount=310), {**spent, through: "10.0000000000000001"}, through)[2]
    assert (more["status"], more["actual"]) == ("over_budget", Decimal("310.0000000000000001"))
    assert (more["overrun_date"], more["overrun_probability"]) == (through, 1)


def test_a_running_period_that_is_over_already_names_the_day_it_happened() -> None:
    row = judged(budget(amount=45), each_day(date(2026, 4, 12)), date(2026, 4, 12))[-1]
    assert (row["status"], row["overrun_probability"], row["overrun_date"]) == ("over_budget", 1, date(2026, 4, 5))


def test_the_expected_day_of_an_overrun_is_the_first_on_which_the_sum_exceeds_the_amount() -> None:
    through = date(2026, 4, 12)
    row = judged(budget(amount=205), each_day(through), through)[-1]
    # 120 by the 12th, 10 a day: 200 on the 20th, 210 on the 21st.
    assert (row["status"], row["overrun_date"]) == ("at_risk", date(2026, 4, 21))


def test_a_forecast_of_exactly_the_limit_is_no_risk_and_a_millionth_more_is() -> None:
    through = date(2026, 4, 12)
    certain = {"at_risk_probability": 1}
    median = judged(budget(**certain), each_day(through), through)[-1]["forecast_median"]
    assert judged(budget(amount=median, **certain), each_day(through), through)[-1]["status"] == "on_track"
    assert judged(budget(amount=median - MICRO, **certain), each_day(through), through)[-1]["status"] == "at_risk"
    half = {"at_risk_forecast": "0.5", **certain}
    assert judged(budget(amount=median * 2, **half), each_day(through), through)[-1]["status"] == "on_track"
    assert judged(budget(amount=median * 2 - MICRO, **half), each_day(through), through)[-1]["status"] == "at_risk"


def test_a_probability_of_exactly_the_limit_is_no_risk_and_a_millionth_more_is() -> None:
    through = date(2026, 4, 12)
    # Days that differ, so that the forecast has a range.
    spent = {day: 8 + day.toordinal() * 7 % 5 for day in days_between(FIRST, through)}
    certain = {"at_risk_forecast": 100}
    probability = judged(budget(amount=305, **certain), spent, through)[-1]["overrun_probability"]
    assert MICRO < probability < 1
    for limit, status in ((probability, "on_track"), (probability - MICRO, "at_risk")):
        row = judged(budget(amount=305, at_risk_probability=limit, **certain), spent, through)[-1]
        assert (row["overrun_probability"], row["status"]) == (probability, status)


def test_a_period_that_begins_tomorrow_is_current_and_holds_nothing_yet() -> None:
    through = date(2026, 3, 31)
    row = judged(budget(amount=290), each_day(through), through)[-1]
    assert (row["period"], row["actual"], row["days_gone"], row["period_gone"]) == ("2026-04", 0, 0, 0)
    assert (row["prorated_budget"], row["run_rate"]) == (0, None)
    assert row["forecast_median"] == pytest.approx(Decimal(300), abs=MICRO)
    assert (row["status"], row["overrun_date"]) == ("at_risk", date(2026, 4, 30))


@pytest.mark.parametrize("kind", PERIODS)
def test_all_kinds_of_periods(kind: Period) -> None:
    through = date(2026, 4, 15)
    running = period_of(kind, through)
    days, elapsed = running.days, len(days_between(running.first, through))
    row = judged(budget(amount=days * 20, period=kind), each_day(through), through)[-1]
    assert (row["period_kind"], row["period"]) == (kind, running.label)
    assert (row["days"], row["days_gone"], row["actual"]) == (days, elapsed, elapsed * 10)
    assert (row["prorated_budget"], row["run_rate"]) == (elapsed * 20, days * 10)
    assert row["forecast_median"] == pytest.approx(Decimal(days * 10), rel=Decimal("0.000001"))


def test_a_29th_of_february_counts() -> None:
    through = date(2024, 2, 28)
    row = judged(budget(amount=500), each_day(through, first=date(2024, 1, 1)), through, first=date(2024, 1, 1))[-1]
    assert (row["days"], row["days_gone"], row["forecast_median"]) == (29, 28, pytest.approx(Decimal(290), abs=MICRO))


def test_each_period_has_the_amount_of_the_day_it_begins_on() -> None:
    asked = Budget.model_validate(
        {
            "name": "web",
            "amounts": [
                {"amount": 200, "from": date(2026, 2, 1), "until": date(2026, 2, 28)},
                {"amount": 400, "from": date(2026, 3, 15)},
            ],
        }
    )
    through = date(2026, 5, 10)
    rows = judged(asked, each_day(through), through)
    assert [(row["period"], row["amount"], row["status"]) for row in rows] == [
        ("2026-02", 200, "over_budget"),
        ("2026-04", 400, "on_track"),
        ("2026-05", 400, "on_track"),
    ]
    (finding,) = amount_findings([asked], FIRST, date(2026, 5, 11))
    assert (finding.kind, "no amount for 2026-03 and" in finding.message) == ("no_amount", True)


def test_a_missing_amount_is_reported_a_period_ahead_and_none_before_the_first() -> None:
    ends = Budget.model_validate({"name": "web", "amounts": [{"amount": 9, "until": date(2026, 4, 30)}]})
    assert "has no amount for 2026-05 and" in amount_findings([ends], FIRST, date(2026, 4, 13))[0].message
    assert amount_findings([ends], FIRST, date(2026, 3, 31)) == []
    yearly = Budget.model_validate(
        {"name": "year", "period": "year", "amounts": [{"amount": 9, "until": date(2026, 12, 31)}]}
    )
    assert amount_findings([yearly], FIRST, date(2026, 11, 24)) == []
    assert len(amount_findings([yearly], FIRST, date(2026, 12, 1))) == 1
    begins = Budget.model_validate({"name": "web", "amounts": [{"amount": 9, "from": date(2026, 4, 1)}]})
    assert amount_findings([begins], FIRST, date(2026, 4, 13)) == []


def test_children_that_may_spend_more_than_their_parent_are_named() -> None:
    parent = budget(name="all", amount=100)
    children = [budget(name="a", parent="all", amount=60), budget(name="b", parent="all", amount="40.000001")]
    (finding,) = amount_findings([parent, *children], FIRST, date(2026, 4, 13))
    assert (finding.budget, finding.kind) == ("all", "children_exceed_parent")
    assert "add up to 100.000001 USD in 2026-04, more than its own 100" in finding.message
    assert amount_findings([parent, children[0], budget(name="b", parent="all", amount=40)], FIRST, FIRST) == []


def test_f099_a_budget_for_a_project_that_no_usage_has_is_told_the_nearest_names() -> None:
    asked = [
        budget(name="typo", where={"project": ["web-ap", "api"]}),
        budget(name="pattern", where={"branch": {"glob": "release/*"}}),
        budget(name="fine", where={"project": {"not": "api"}}),
    ]
    findings = scope_findings(asked, ["pattern"], {"project": ["web-app", "api", "docs"]})
    assert [(finding.budget, finding.kind) for finding in findings] == [
        ("typo", "unknown_value"),
        ("pattern", "no_usage"),
    ]
    assert findings[0].message == (
        "the budget 'typo' asks for project 'web-ap', which no usage has; did you mean 'web-app'?"
    )
    assert "nothing has branch is like release/*" in findings[1].message


def test_less_than_two_weeks_of_history_says_so() -> None:
    row = judged(budget(amount=320), each_day(date(2026, 1, 9)), date(2026, 1, 9))[-1]
    assert row["note"] == "less than two weeks of history"
    assert judged(budget(amount=320), each_day(date(2026, 1, 14)), date(2026, 1, 14))[-1]["note"] is None


def test_credits_without_a_price_are_noted_in_dollars_and_count_in_credits() -> None:
    through = date(2026, 4, 12)
    without = {date(2026, 4, 3): "1250.5", date(2026, 4, 4): 2}
    rows = judged(budget(amount=320), each_day(through), through, unpriced=without)
    assert [(row["period"], row["unpriced_credits"], row["note"]) for row in rows[-2:]] == [
        ("2026-03", 0, None),
        ("2026-04", Decimal("1252.5"), "1252.5 credits have no price"),
    ]
    assert judged(budget(amount=320, unit="credits"), each_day(through), through, unpriced=without)[-1]["note"] is None


def test_incomplete_days_and_a_history_that_begins_within_the_period_are_noted() -> None:
    first, through = date(2026, 3, 10), date(2026, 4, 12)
    missing = (date(2026, 3, 12), date(2026, 3, 13), date(2026, 4, 2))
    rows = judged(budget(), each_day(through, first=first), through, incomplete=missing, first=first)
    assert [row["note"] for row in rows] == ["the history begins on 2026-03-10; 2 incomplete days", "1 incomplete day"]


def test_an_incomplete_day_is_no_day_without_cost() -> None:
    through = date(2026, 4, 12)
    missing = date(2026, 4, 9)
    spent = {day: amount for day, amount in each_day(through).items() if day != missing}
    row = judged(budget(amount=320), spent, through, incomplete=(missing,))[-1]
    assert (row["actual"], row["forecast_median"]) == (110, pytest.approx(Decimal(290), abs=MICRO))


def test_a_budget_without_a_forecast_says_so_instead_of_guessing() -> None:
    history = History(FIRST, date(2026, 4, 12))
    series = pl.DataFrame([("web", FIRST, Decimal(1), Decimal(1), Decimal(0))], schema=SPENT_SCHEMA, orient="row")
    nothing = forecast_total(pl.DataFrame(schema={"series": pl.String, "date": pl.Date, "cost": pl.Float64}), FIRST)
    days = pl.DataFrame(schema={"budget": pl.String, "date": pl.Date, "median": pl.Float64})
    rows = budget_status(amounts([budget()], FIRST, date(2026, 4, 13)), series, days, nothing, history).to_dicts()
    assert (rows[-1]["forecast_median"], rows[-1]["overrun_probability"]) == (None, None)
    assert (rows[-1]["status"], rows[-1]["note"]) == ("on_track", "no forecast for these data yet")
    assert (rows[0]["forecast_median"], rows[0]["note"]) == (1, None)


def test_usage_once_in_a_while_is_forecast_at_its_mean_and_not_at_zero() -> None:
    through = date(2026, 5, 20)
    spent = {day: 70 for day in days_between(FIRST, through) if day.weekday() == 2}
    row = judged(budget(amount=1000), spent, through)[-1]
    # Wednesdays of May 2026: 6th, 13th, 20th, and one to come.
    assert row["actual"] == 210
    assert row["forecast_median"] == pytest.approx(Decimal(280), rel=Decimal("0.1"))


AMOUNTS = st.decimals(Decimal("0.0000000000000001"), 10**9, places=16)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.integers(0, 120), AMOUNTS, max_size=30),
    st.integers(20, 120),
    st.sampled_from(list(PERIODS)),
    st.decimals(Decimal("0.01"), 10**12, places=6),
)
def test_sums_shares_and_days_are_those_of_python_decimals(
    spent: dict[int, Decimal], through: int, period: str, amount: Decimal
) -> None:
    by_day = {FIRST + timedelta(days=number): value for number, value in spent.items()}
    last = FIRST + timedelta(days=through)
    for row in judged(budget(amount=amount, period=period), by_day, last):
        known = {
            day: value for day, value in by_day.items() if row["period_start"] <= day <= min(row["period_end"], last)
        }
        actual = sum(known.values(), start=Decimal(0))
        elapsed = max(0, (min(row["period_end"], last) - row["period_start"]).days + 1)
        days = (row["period_end"] - row["period_start"]).days + 1
        assert (row["actual"], row["days_gone"], row["days"]) == (actual, elapsed, days)
        prorated = amount * elapsed / days
        assert row["prorated_budget"] in {prorated.quantize(MICRO, how) for how in (ROUND_HALF_EVEN, ROUND_HALF_UP)}
        assert (row["status"] == "over_budget") == (actual > amount)
        if actual > amount:
            assert sum(value for day, value in known.items() if day <= row["overrun_date"]) > amount
            assert sum(value for day, value in known.items() if day < row["overrun_date"]) <= amount
        if row["forecast_median"] is not None:
            assert 0 <= row["forecast_p10"] <= row["forecast_median"] <= row["forecast_p90"]
            assert 0 <= row["overrun_probability"] <= 1
