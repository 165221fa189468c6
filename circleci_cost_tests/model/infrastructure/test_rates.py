"""Exchange rates: the rate that holds on a day, and each fault of their file as one sentence."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.infrastructure.rates import rates_on, read_rates

HEADER = "date,currency,usd_per_unit\n"
RATES = HEADER + "2026-01-02,EUR,1.08\n2026-01-05,eur,1.10\n2026-01-05,JPY,0.006412345678\n"


def rates(folder: Path, text: str) -> pl.DataFrame:
    path = folder / "rates.csv"
    path.write_text(text)
    return read_rates(path)


def asked(*days: tuple[str, str]) -> pl.DataFrame:
    rows = [(currency, date.fromisoformat(day)) for currency, day in days]
    return pl.DataFrame(rows, {"currency": pl.String, "date": pl.Date}, orient="row")


def test_a_rate_holds_until_the_next_one_for_a_week(tmp_path: Path) -> None:
    matched = rates_on(
        rates(tmp_path, RATES),
        asked(("EUR", "2026-01-04"), ("EUR", "2026-01-12"), ("JPY", "2026-01-05"), ("USD", "2020-01-01")),
        date(2026, 1, 12),
        tmp_path,
    )
    assert matched.rows() == [
        ("EUR", date(2026, 1, 4), Decimal("1.08")),
        ("EUR", date(2026, 1, 12), Decimal("1.10")),
        ("JPY", date(2026, 1, 5), Decimal("0.006412345678")),
        ("USD", date(2020, 1, 1), Decimal(1)),
    ]


def test_days_to_come_are_at_the_rate_of_the_newest_day(tmp_path: Path) -> None:
    matched = rates_on(rates(tmp_path, RATES), asked(("EUR", "2026-03-01")), date(2026, 1, 6), tmp_path)
    assert matched.rows() == [("EUR", date(2026, 3, 1), Decimal("1.10"))]


@pytest.mark.parametrize("day", ["2026-01-01", "2026-01-13"])
def test_a_day_without_a_rate_is_refused(tmp_path: Path, day: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rates_on(rates(tmp_path, RATES), asked(("EUR", day)), date(2026, 1, 13), Path("rates.csv"))
    assert str(caught.value) == (
        f"rates.csv has no rate of EUR for {day}, nor for the 7 days before it; add a line {day},EUR,<usd_per_unit>. "
        "In all 1 day lacks one."
    )


def test_costs_in_another_currency_need_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rates_on(rates(tmp_path, HEADER), asked(("EUR", "2026-01-01")), date(2026, 1, 1), None)
    assert str(caught.value) == (
        "There are costs in EUR on 2026-01-01, and no exchange rates; name a CSV file with date,currency,usd_per_unit "
        "as rates in the [[infrastructure]] section."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,currency\n", "rates.csv, line 1: the column 'usd_per_unit' is missing; add it."),
        ("", "rates.csv is empty; its first line names the columns: date, currency, usd_per_unit."),
        (
            HEADER + "2026-01-01,EUR\n",
            "rates.csv, line 2: 2 cells where the first line names 3; add the missing commas, "
            "or put quotes around a value that holds one.",
        ),
        (HEADER + "2026-1-1,EUR,1\n", "rates.csv, line 2: date = 2026-1-1: write YYYY-MM-DD, such as 2026-01-31."),
        (
            HEADER + "2026-01-01,€,1\n",
            "rates.csv, line 2: currency = €: write the three letters of ISO 4217, such as EUR.",
        ),
        *(
            (
                HEADER + f"2026-01-01,EUR,{value}\n",
                f"rates.csv, line 2: usd_per_unit = {value}: write a number above 0 with at most 12 decimals, such as "
                "1.0842.",
            )
            for value in ("0", "-1", "nan", "1.0000000000001")
        ),
        (HEADER + "2026-01-01,EUR,\n", "rates.csv, line 2: usd_per_unit is empty; write a value."),
        (HEADER + "2026-01-01,USD,1.1\n", "rates.csv, line 2: one USD is 1 USD; leave the line out."),
        (
            HEADER + "2026-01-01,EUR,1\n2026-01-01,eur,1\n",
            "rates.csv, line 3: EUR on 2026-01-01 is there twice; leave one of them out.",
        ),
    ],
)
def test_a_fault_of_the_file_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rates(tmp_path, text)
    assert str(caught.value).replace(f"{tmp_path}/", "") == message
