"""The notice of each event: title, sentences, exact values, and the key that makes it go out once."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.notify.budget_events import budget_threshold
from circleci_cost.notify.digest_events import BudgetState, DigestRow, digest
from circleci_cost.notify.events import data_quality, import_complete, price_gap, sync_recovered, token_expiry
from circleci_cost.notify.messages import Key
from circleci_cost.notify.plain import as_text
from circleci_cost.text.amounts import change_text, dollars
from circleci_cost_tests.notify.harness import at_80_percent, crossing, failed

MARCH = DayRange(date(2026, 3, 1), date(2026, 3, 31))


def test_a_complete_import_sums_up_what_came_and_the_prices_it_rests_on() -> None:
    notice = import_complete(
        "acme",
        MARCH,
        jobs=1234567,
        runs=1200000,
        credits_used=Decimal("98765432.1"),
        unpriced_credits=Decimal("400.5"),
        cost=Decimal("59259.0189"),
        prices=[
            PricePeriod("acme", date(2026, 3, 2), date(2026, 3, 15), Decimal("0.0006")),
            PricePeriod("acme", date(2026, 3, 16), None, Decimal("0.00055")),
        ],
        unpriced_days=[DayRange(date(2026, 3, 1), date(2026, 3, 1))],
    )
    assert notice.key == Key("import_complete", "acme")
    assert (notice.message.title, notice.message.severity) == ("acme: first import complete, $59,259.02", "warning")
    assert as_text(notice.message).splitlines() == [
        "The history of acme is imported: 31 days, 2026-03-01 to 2026-03-31.",
        "No price is configured for 2026-03-01; usage there stays unpriced, never $0. Add a [[cost_centers.pricing]] "
        "section for these days, then run `circleci-cost reprice`.",
        "",
        "Days of usage: 2026-03-01 to 2026-03-31",
        "Jobs: 1,234,567",
        "Runs: 1,200,000",
        "Usage: 98,765,432.1 credits",
        "Cost: $59,259.02",
        "Unpriced: 400.5 credits",
        "",
        "Price period             USD per credit",
        "-----------------------  --------------",
        "2026-03-02 – 2026-03-15          0.0006",
        "2026-03-16 – ongoing            0.00055",
    ]
    assert notice.message.data["cost_usd"] == "59259.0189"
    assert notice.message.data["unpriced_days"] == [{"from": "2026-03-01", "to": "2026-03-01"}]


def test_a_cost_without_any_price_is_unpriced_and_never_zero() -> None:
    assert dollars(None) == "unpriced"


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        ("1234.565", "$1,234.56"),
        ("0", "$0.00"),
        ("-12.3", "-$12.30"),
        ("-0.001", "-<$0.01"),
        ("123456789012345678901.005", "$123,456,789,012,345,678,901.00"),
    ],
)
def test_dollars_are_shown_to_the_cent(cost: str, shown: str) -> None:
    assert dollars(Decimal(cost)) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        ("110", "100", "+$10.00 (+10 %)"),
        ("66.6", "100", "-$33.40 (-33 %)"),
        ("5", "0", "+$5.00"),
        ("5", "5", "$0.00"),
    ],
)
def test_a_change_is_shown_in_dollars_and_as_a_share(now: str, before: str, shown: str) -> None:
    assert change_text(Decimal(before), Decimal(now) - Decimal(before)) == shown


def test_a_budget_that_is_forecast_to_be_overrun_says_how_sure_that_is() -> None:
    notice = budget_threshold(
        crossing(
            kind="forecast",
            threshold=Decimal("1.00"),
            forecast_median=Decimal("1250.10"),
            forecast_p10=Decimal("1100"),
            forecast_p90=Decimal("1400"),
            probability=Decimal("0.934"),
            expected_overrun=date(2026, 3, 25),
        )
    )
    assert notice.owner == "web"
    assert notice.key == Key("budget", "web", "2026-03", "forecast 1")
    assert notice.message.title == "Budget web is forecast to reach 100 % of $1,000.00 (2026-03)"
    assert as_text(notice.message).splitlines() == [
        "So far $812.35 of $1,000.00 are used, 81.2 %.",
        "The period is expected to end at $1,250.10.",
        "The budget is expected to be used up on 2026-03-25.",
        "",
        "Budget: web",
        "Period: 2026-03",
        "Owner: web",
        "Forecast, 10–90 %: $1,100.00 to $1,400.00",
        "Probability of an overrun: 93.4 %",
    ]


def test_a_budget_in_credits_speaks_of_credits() -> None:
    notice = at_80_percent(unit="credits", amount=Decimal(2_000_000), actual=Decimal("1600000"))
    assert notice.message.title == "Budget web has reached 80 % of 2,000,000 credits (2026-03)"


def test_a_threshold_written_in_two_ways_is_one() -> None:
    assert at_80_percent(threshold=Decimal("0.80")).key.id == at_80_percent(threshold=Decimal("0.8")).key.id


def test_keys_that_differ_in_one_field_are_different_messages() -> None:
    changes: list[dict[str, Any]] = [{}, {"budget": "api"}, {"period": "2026-04"}]
    changes += [{"kind": "forecast"}, {"threshold": Decimal(1)}]
    assert len({at_80_percent(**change).key.id for change in changes}) == 5
    assert at_80_percent().key.id != failed().key.id


def test_a_recovery_has_the_key_of_its_failure() -> None:
    recovered = sync_recovered("acme", MARCH, "run-9", open_period="run-1")
    assert recovered.key == Key("sync_recovered", "acme", "run-1")
    assert failed("run-1").key == Key("sync_failed", "acme", "run-1")
    assert recovered.message.lines == ("The days 2026-03-01 to 2026-03-31 are imported and published.",)


def test_a_price_gap_is_notified_once_per_first_day() -> None:
    notice = price_gap("acme", date(2026, 4, 1))
    assert notice.key == Key("price_gap", "acme", "2026-04-01")
    assert notice.message.title == "acme: no price from 2026-04-01 on"


def test_the_end_of_a_token_is_notified_at_30_15_7_and_1_days_and_when_it_has_ended() -> None:
    end = date(2026, 4, 1)
    notices = [token_expiry("acme", "CIRCLECI_TOKEN", end, days) for days in range(36, -3, -1)]
    keys = [notice.key.threshold for notice in notices if notice]
    assert list(dict.fromkeys(keys)) == ["30", "15", "7", "1", "-1"]
    assert len(notices) - len(keys) == 6
    titles = [notice.message.title for notice in notices if notice]
    assert titles[0] == "acme: the CircleCI token ends in 30 days"
    assert titles[-4:] == [
        "acme: the CircleCI token ends in 1 day",
        "acme: the CircleCI token ends today",
        "acme: the CircleCI token has ended",
        "acme: the CircleCI token has ended",
    ]


def test_a_failed_check_is_notified_once_per_subject_and_week() -> None:
    day = date(2026, 3, 9)
    keys = {
        data_quality(check, subject, "x", day + timedelta(days=offset), day).key.id
        for check in ("coverage", "freshness")
        for subject in ("acme", "labs")
        for offset in (0, 7)
    }
    assert len(keys) == 8


def test_a_digest_says_what_it_cost_before_and_now_and_how_the_budgets_stand() -> None:
    notice = digest(
        "web",
        "2026-W10",
        [
            DigestRow("web-app", Decimal("700.1234"), Decimal("500")),
            DigestRow("landing", Decimal("100"), Decimal("150")),
        ],
        DigestRow("Total", Decimal("800.1234"), Decimal("650")),
        budgets=[
            BudgetState("web", "2026-03", "at_risk", "USD", Decimal(1000), Decimal("800.1234"), Decimal("1250.1")),
            BudgetState("web weekly", "2026-W10", "on_track", "credits", Decimal(5000), Decimal("40")),
        ],
        changes=["web-app ran 40 % more jobs on main."],
    )
    assert (notice.key, notice.owner) == (Key("digest", "web", "2026-W10"), "web")
    assert notice.message.title == "web: $800.12 in 2026-W10, +$150.12 (+23 %)"
    assert as_text(notice.message).splitlines() == [
        "web-app ran 40 % more jobs on main.",
        "Budget web (2026-03) is at risk: $800.12 of $1,000.00, forecast $1,250.10.",
        "Budget web weekly (2026-W10) is on track: 40 credits of 5,000 credits.",
        "",
        "Cost of      Now   Before            Change",
        "-------  -------  -------  ----------------",
        "web-app  $700.12  $500.00  +$200.12 (+40 %)",
        "landing  $100.00  $150.00   -$50.00 (-33 %)",
        "Total    $800.12  $650.00  +$150.12 (+23 %)",
    ]
    assert notice.message.data["rows"] == [
        {"name": "web-app", "cost_usd": "700.1234", "cost_usd_before": "500"},
        {"name": "landing", "cost_usd": "100", "cost_usd_before": "150"},
    ]


def test_a_failed_check_says_what_its_days_mean() -> None:
    message = data_quality("coverage", "acme", "x", date(2026, 3, 9), date(2026, 2, 27)).message
    assert dict(message.facts) == {
        "Check": "coverage",
        "Subject": "acme",
        "Checked on": "2026-02-27 (UTC)",
        "Told for": "the week from Monday 2026-03-09; again next week if it still fails",
    }
    assert (message.data["day"], message.data["checked_on"]) == ("2026-03-09", "2026-02-27")


def test_a_machine_that_slept_notifies_the_end_of_a_token_once_and_a_new_end_again() -> None:
    end, later = date(2026, 4, 1), date(2027, 4, 1)
    awake = [(end, 40), (end, 16), (end, 6), (end, 6), (end, 5), (end, -4), (end, -5), (later, 6)]
    notices = [token_expiry("acme", "CIRCLECI_TOKEN", expires, left) for expires, left in awake]
    keys = [(notice.key.period, notice.key.threshold) for notice in notices if notice]
    assert list(dict.fromkeys(keys)) == [
        ("2026-04-01", "30"),
        ("2026-04-01", "7"),
        ("2026-04-01", "-1"),
        ("2027-04-01", "7"),
    ]
