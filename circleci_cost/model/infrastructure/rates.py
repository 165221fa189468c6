"""Reads exchange rates from a CSV file, and finds the rate that holds on a day; applying rates is the warehouse's job.

The file has the columns date, currency and usd_per_unit: the value of one unit of the currency in US dollars.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.infrastructure.definition import USD
from circleci_cost.named_files.csv_tables import day_of, parsed, read_bytes, read_csv, refuse_empty
from circleci_cost.text.units import counted

RATE = pl.Decimal(18, 12)
RATES_SCHEMA: dict[str, pl.DataType] = {"currency": pl.String(), "date": pl.Date(), "usd_per_unit": RATE}
# Central banks publish no rates on weekends and holidays: the last rate before them still holds.
HOLDS_FOR = timedelta(days=7)
_COLUMNS = ("date", "currency", "usd_per_unit")


def read_rates(path: Path) -> pl.DataFrame:
    """The rates of a file, `RATES_SCHEMA`, by currency and day. Raises `ConfigurationError` with file and line."""
    frame = read_csv(path, read_bytes(path), _COLUMNS, _COLUMNS)
    for column in _COLUMNS:
        refuse_empty(path, frame, column)
    capitals = pl.col("currency").str.to_uppercase()
    letters = pl.when(capitals.str.contains(r"^[A-Z]{3}$")).then(capitals)
    number = pl.col("usd_per_unit")
    rate = pl.when(number.str.contains(r"^[0-9]{1,6}(\.[0-9]{1,12})?$")).then(number).cast(RATE, strict=False)
    frame = parsed(path, frame, "date", day_of("date"), "write YYYY-MM-DD, such as 2026-01-31")
    frame = parsed(path, frame, "currency", letters, "write the three letters of ISO 4217, such as EUR")
    frame = parsed(
        path,
        frame,
        "usd_per_unit",
        pl.when(rate > 0).then(rate),
        "write a number above 0 with at most 12 decimals, such as 1.0842",
    )
    own = frame.filter((pl.col("currency") == USD) & (pl.col("usd_per_unit") != 1))
    if not own.is_empty():
        raise ConfigurationError(f"{path}, line {own.item(0, 'line')}: one USD is 1 USD; leave the line out.")
    twice = frame.filter(pl.struct("currency", "date").is_duplicated())
    if not twice.is_empty():
        line, currency, day = twice.select("line", "currency", "date").row(-1)
        raise ConfigurationError(f"{path}, line {line}: {currency} on {day} is there twice; leave one of them out.")
    return frame.select(RATES_SCHEMA.keys()).sort("currency", "date")


def rates_on(rates: pl.DataFrame, asked: pl.DataFrame, through: date, path: Path | None) -> pl.DataFrame:
    """The rate for each `currency` and `date` of `asked`, `RATES_SCHEMA`; for USD it is 1.

    A rate holds until the next rate, for a week at most. Charges that began before may be spread over days after
    `through`; these days have the rate of `through`. Raises `ConfigurationError` for days without a rate.
    """
    moved = asked.select("currency", "date", pl.min_horizontal("date", pl.lit(through)).alias("on"))
    matched = moved.sort("on").join_asof(
        rates.rename({"date": "given"}).sort("given"),
        left_on="on",
        right_on="given",
        by="currency",
        tolerance=HOLDS_FOR,
        check_sortedness=False,
    )
    rate = pl.when(pl.col("currency") == USD).then(pl.lit(1, RATE)).otherwise(pl.col("usd_per_unit"))
    known = matched.select("currency", "date", rate.cast(RATE).alias("usd_per_unit"))
    missing = known.filter(pl.col("usd_per_unit").is_null()).sort("currency", "date")
    if not missing.is_empty():
        currency, day = missing.select("currency", "date").row(0)
        if path is None:
            raise ConfigurationError(
                f"There are costs in {currency} on {day}, and no exchange rates; name a CSV file with "
                "date,currency,usd_per_unit as rates in the [[infrastructure]] section."
            )
        raise ConfigurationError(
            f"{path} has no rate of {currency} for {day}, nor for the {HOLDS_FOR.days} days before it; add a line "
            f"{day},{currency},<usd_per_unit>. In all {counted(missing.height, 'day')} "
            f"{'lacks' if missing.height == 1 else 'lack'} one."
        )
    return known.sort("currency", "date")
