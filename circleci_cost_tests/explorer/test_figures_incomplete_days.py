"""Days whose data are not complete, or have no price: what the start page may say about them, and what it may not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import read_settings
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.usage import restatements
from circleci_cost_tests.cli.harness import configuration, publish_rows
from circleci_cost_tests.explorer.figures import shown
from circleci_cost_tests.explorer.serving import serving
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

_FIRST, _LAST = date(2026, 1, 1), date(2026, 2, 21)
_MISSING, _EARLY = date(2026, 2, 5), date(2026, 2, 10)
CLOCK = ManualClock(datetime(2026, 2, 22, 12, tzinfo=UTC))


@contextmanager
def _served(folder: Path, rows: Sequence[dict[str, Any]], incomplete: Sequence[date] = ()) -> Iterator[str]:
    """The pages of published rows, some of whose days were exported too early."""
    publish_rows(folder / "data", rows)
    lake = open_lake(folder / "data")
    with tables_to_publish(lake) as connection:
        connection.execute(
            "UPDATE usage_days SET complete = false WHERE list_contains($days, date)", {"days": incomplete}
        )
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), CLOCK.now())
    (folder / "circleci_cost.toml").write_text(configuration())
    with serving(read_settings(folder / "circleci_cost.toml", CLOCK), clock=CLOCK) as site:
        yield site.origin
        assert site.bugs == []


def _days(first: date = _FIRST, last: date = _LAST) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """100,000 credits ($60) a day; a tenth on a day that was exported too early, nothing on one that is missing."""
    rows = [
        {"date": day, "compute": 10_000 if day in {_EARLY, _LAST} else 100_000, "runs": 10}
        for day in _days()
        if day != _MISSING
    ]
    with _served(tmp_path_factory.mktemp("gaps"), rows, [_EARLY, _LAST]) as origin:
        yield origin


def test_exactly_the_days_without_complete_data_are_hatched(gaps: str) -> None:
    assert shown(gaps, "period=this_month&compare=off").incomplete == [
        "Thu 5 Feb 2026",
        "Tue 10 Feb 2026",
        "Sat 21 Feb 2026",
    ]
    assert shown(gaps, "from=2025-12-30&to=2026-01-03&compare=off").incomplete == ["Tue 30 Dec 2025", "Wed 31 Dec 2025"]


def test_a_month_says_how_many_of_its_days_it_has(gaps: str) -> None:
    page = shown(gaps, "from=2025-12-01&to=2026-02-28&granularity=month&compare=off")
    assert [each["label"] for each in page.chart["periods"]] == [
        "December 2025, 0 of 31 days",
        "January 2026",
        "February 2026, 18 of 28 days",
    ]
    assert page.line("key") == [None, "1860.00", "1092.00"]


def test_a_week_across_new_year_begins_on_its_monday(gaps: str) -> None:
    page = shown(gaps, "from=2026-01-01&to=2026-01-11&granularity=week&compare=off")
    assert [each["label"] for each in page.chart["periods"]] == [
        "Week of Mon 29 Dec 2025, 4 of 7 days",
        "Week of Mon 5 Jan 2026",
    ]
    assert page.line("key") == ["240.00", "420.00"]


def test_a_day_without_data_is_unknown_and_not_zero(gaps: str) -> None:
    page = shown(gaps, "from=2026-02-04&to=2026-02-06&compare=off&chart=lines")
    assert page.line("key") == ["60.00", None, "60.00"]
    assert shown(gaps, "from=2026-02-04&to=2026-02-06&compare=off&chart=cumulative").line("key") == [
        "60.00",
        None,
        "120.00",
    ]


def test_the_daily_average_is_that_of_the_complete_days(gaps: str) -> None:
    cards = shown(gaps, "period=this_month").cards
    assert cards["Cost, 21 days"] == ("$1,092.00", "$1,092.000000")
    # 1,080 over 18 days; 1,092 over 21 would be 52.
    assert cards["Average per day"] == ("$60.00", "of the 18 complete days")
    assert shown(gaps, "from=2026-02-11&to=2026-02-20").cards["Average per day"] == ("$60.00", "")


def test_no_change_is_told_where_a_day_in_the_middle_was_exported_too_early(gaps: str) -> None:
    reason = "There are no complete data for 2026-02-05, 2026-02-10."
    page = shown(gaps, "period=this_month&compare=2026-01-01:2026-01-21")
    assert page.cards["Change"] == ("–", reason)
    assert page.sentence == (
        f"Cost: $1,092.00 (no change is shown, t{reason[1:-1]}). The largest part is web with 100 %."
    )
    assert "change" not in page.rows["web"]


def test_incomplete_days_at_the_end_are_left_out_of_the_change_and_the_page_says_so(gaps: str) -> None:
    page = shown(gaps, "from=2026-02-11&to=2026-02-21&compare=2026-01-11:2026-01-21&metric=runs")
    assert page.cards["Runs, 11 days"][0] == "110"
    assert page.cards["Change"] == ("no change", "100 on the 10 complete days, against 100 in 2026-01-11 to 2026-01-20")
    assert page.sentence == (
        "Runs of 2026-02-11 to 2026-02-20 stayed at 100 runs, as in 2026-01-11 to 2026-01-20. "
        "The largest part is web with 100 %."
    )
    assert "against 2026-01-11 to 2026-01-20, of 2026-02-11 to 2026-02-20 alone" in page.caption


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`web` has its price always; `trial` was free until 10 January; `lab` has no price from 15 January on."""
    rows = []
    for day in _days(last=date(2026, 1, 20)):
        free, unpriced = day <= date(2026, 1, 10), day >= date(2026, 1, 15)
        rows.append({"date": day, "project": "web", "compute": 10_000, "runs": 10})
        rows.append({"date": day, "project": "trial", "compute": 5_000, "runs": 5, **({"price": 0} if free else {})})
        rows.append(
            {"date": day, "project": "lab", "compute": 1_000, "runs": 5, **({"price": None} if unpriced else {})}
        )
    with _served(tmp_path_factory.mktemp("prices"), rows) as origin:
        yield origin


def test_a_ratio_is_not_told_of_runs_of_which_some_have_no_price(prices: str) -> None:
    page = shown(prices, "from=2026-01-11&to=2026-01-20&metric=cost_per_run")
    assert page.cards["Cost per run, 10 days"] == ("–", "not known: 6,000 credits have no price")
    assert page.sentence.startswith("Cost per run is not known: 6,000 credits have no price. The highest is ")
    # The header of the column that the table is sorted by has an arrow.
    assert {name: row["Cost per run ↓"] for name, row in page.rows.items()} == {
        "web": "$0.6000",
        "trial": "$0.6000",
        "lab": "–",
        "Total": "–",
    }
    assert page.line("key", "lab") == ["0.1200"] * 4 + [None] * 6


def test_a_change_of_cost_is_withheld_and_one_of_runs_is_not(prices: str) -> None:
    assert shown(prices, "from=2026-01-11&to=2026-01-20").cards["Change"] == (
        "–",
        "6,000 credits of 2026-01-11 to 2026-01-20 have no price.",
    )
    assert shown(prices, "from=2026-01-11&to=2026-01-20&metric=runs").cards["Change"][0] == "no change"


def test_what_was_free_before_is_not_new_and_what_is_free_now_is_not_gone(prices: str) -> None:
    page = shown(prices, "from=2026-01-11&to=2026-01-14&where=project=trial")
    assert page.rows["trial"]["Change"] == "+$12.00 Why?"
    page = shown(prices, "from=2026-01-07&to=2026-01-10&where=project=trial&compare=2026-01-11:2026-01-14")
    assert page.rows["trial"]["Change"] == "-$12.00 (-100 %) Why?"


def test_the_line_of_the_days_before_says_that_it_is_of_all_groups(prices: str) -> None:
    days = "from=2026-01-08&to=2026-01-14"
    bars, lines = (shown(prices, f"{days}&chart={form}") for form in ("bars", "lines"))
    assert bars.line("previous", "before") == lines.line("previous", "all, before") == ["6.60"] * 7
    assert shown(prices, f"{days}&by=none&chart=lines").line("previous", "before") == ["6.60"] * 7
