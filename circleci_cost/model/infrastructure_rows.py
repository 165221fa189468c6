"""From the text of some rows to costs by day and service: each value is read exactly, or refused with its place.

Where the text comes from is the business of `infrastructure_csv` and `infrastructure_parquet`; what files add up to
is that of `infrastructure`.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import polars as pl

from circleci_cost.model.infrastructure_layout import (
    CHARGE_CATEGORY,
    COST,
    CURRENCY,
    END,
    PROVIDER,
    SERVICE,
    SERVICE_CATEGORY,
    START,
    SUB_ACCOUNT,
    SUB_ACCOUNT_ID,
    TAG_VALUE,
    TAGS,
    Layout,
    TextRows,
    shown,
)

# Sums are exact to 22 decimals; what is written finer (doubles near zero are) is rounded there, half to even.
SCALE = 22
AMOUNT = pl.Decimal(38, SCALE)
KEYS = ("provider", "service", "sub_account", "tag_value", "currency")
DAY, UNTIL = "date", "until"
GROUPED_SCHEMA: dict[str, pl.DataType] = {
    DAY: pl.Date(),
    UNTIL: pl.Date(),
    **dict.fromkeys(KEYS, pl.String()),
    SERVICE_CATEGORY: pl.String(),
    COST: AMOUNT,
    "rows": pl.Int64(),
}
# Buying something to use later, and taxes, are no cost of a day's use.
_LEFT_OUT = ("purchase", "tax")
_PLAIN_AMOUNT = rf"^-?[0-9]{{1,10}}(\.[0-9]{{1,{SCALE}}})?$"
_ANY_AMOUNT = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,100}(\.[0-9]{0,100})?([eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)?)?"
    r" ?(?P<zone>Z|UTC|[+-]\d{2}(?::?\d{2})?)?"
)
_LARGEST = 10**10
_YEARS = range(2000, 2200)
_LONGEST_PERIOD = timedelta(days=1100)
# A day of a local calendar that loses an hour of summer time has 25 hours.
_ONE_DAY = timedelta(hours=25)
_HOW_TIME = "write a UTC time such as 2026-01-31T00:00:00Z"
_HOW_AMOUNT = "write digits and a point, such as 1234.56, without separators or a currency"


@dataclass(frozen=True)
class Grouped:
    """Costs of some rows: `frame` (`GROUPED_SCHEMA`) with the first and last day of each charge's period.

    `left_out` counts rows of purchases and taxes.
    """

    frame: pl.DataFrame
    left_out: int


def group(text: TextRows, layout: Layout, *, currencies_known: bool) -> Grouped:
    """The costs of some rows, added up by day and key, in the currency that they are billed in.

    A row belongs to the UTC day in which its period begins; one whose period is longer than a day keeps its last
    day, too. Raises `ExportDataError` for the first value that cannot be read, and, unless `currencies_known`, for a
    currency other than USD.
    """
    stripped = text.frame.select(pl.all().str.strip_chars().replace("", None))
    counted = _counted(stripped)
    rows = _Reader(TextRows(text.file, stripped, text.written, text.place), counted, layout)
    frame = pl.DataFrame(
        {
            **rows.days(),
            PROVIDER: rows.text(PROVIDER, layout.provider),
            SERVICE: rows.text(SERVICE, None),
            SUB_ACCOUNT: rows.sub_account(),
            TAG_VALUE: rows.tag_value(),
            CURRENCY: rows.currency(currencies_known=currencies_known),
            SERVICE_CATEGORY: rows.optional(SERVICE_CATEGORY),
            COST: rows.amount(),
        }
    ).filter(counted)
    by_key = frame.group_by(DAY, UNTIL, *KEYS).agg(
        pl.col(SERVICE_CATEGORY).max(), pl.col(COST).sum(), pl.len().cast(pl.Int64).alias("rows")
    )
    return Grouped(
        by_key.select(pl.col(name).cast(dtype) for name, dtype in GROUPED_SCHEMA.items()), int((~counted).sum())
    )


def _counted(frame: pl.DataFrame) -> pl.Series:
    """Whether each row is a cost of use, rather than a purchase or a tax."""
    if CHARGE_CATEGORY not in frame.columns:
        return pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True)
    return ~frame.get_column(CHARGE_CATEGORY).str.to_lowercase().is_in(_LEFT_OUT).fill_null(False)


@dataclass(frozen=True)
class _Reader:
    """Reads columns of text; only the rows that count have to be readable."""

    rows: TextRows
    counted: pl.Series
    layout: Layout

    def optional(self, column: str) -> pl.Series:
        """A column as it is, NULL throughout where the file has none."""
        frame = self.rows.frame
        if column in frame.columns:
            return frame.get_column(column)
        return pl.repeat(None, frame.height, dtype=pl.String, eager=True)

    def text(self, column: str, instead: str | None) -> pl.Series:
        """A column that must hold a text in every row, or the text that stands for it."""
        if instead is not None:
            return pl.repeat(instead, self.rows.frame.height, dtype=pl.String, eager=True)
        values = self.optional(column)
        self._refuse(values.is_null(), column, "nothing is written; every row needs a value")
        return values

    def amount(self) -> pl.Series:
        """The cost, exact to `SCALE` decimals."""
        values = self.text(COST, None)
        plain = values.to_frame("v").select(pl.when(pl.col("v").str.contains(_PLAIN_AMOUNT)).then("v")).to_series()
        read = plain.cast(AMOUNT)
        unread = read.is_null() & values.is_not_null()
        if unread.any():
            read = read.zip_with(~unread, _by_value(values, unread, _any_amount, AMOUNT))
        self._refuse(read.is_null(), COST, f"{{}} is no amount; {_HOW_AMOUNT}", values)
        return read

    def days(self) -> dict[str, pl.Series]:
        """The UTC day in which each period begins, and its last day."""
        start = self._time(START, self.text(START, None))
        first = start.dt.date()
        if END not in self.rows.frame.columns:
            return {DAY: first, UNTIL: first}
        written = self.optional(END)
        end = self._time(END, written)
        length = end - start
        self._refuse((length <= timedelta()).fill_null(False), END, "{} is not after the start of the period", written)
        self._refuse(
            (length > _LONGEST_PERIOD).fill_null(False), END, "{} is more than three years after the start", written
        )
        last = (end - timedelta(microseconds=1)).dt.date()
        longer = (length > _ONE_DAY).fill_null(False)
        return {DAY: first, UNTIL: last.zip_with(longer, first)}

    def currency(self, *, currencies_known: bool) -> pl.Series:
        """The currency of each row, in capital letters."""
        values = self.text(CURRENCY, self.layout.currency).str.to_uppercase()
        wrong = ~values.str.contains(r"^[A-Z]{3}$")
        self._refuse(
            wrong.fill_null(False), CURRENCY, "{} is no currency; write its three letters, such as USD", values
        )
        if not currencies_known:
            self._refuse(
                (values != "USD").fill_null(False),
                CURRENCY,
                "amounts in {} need exchange rates; name a CSV file with date,currency,usd_per_unit as rates in the "
                "[[infrastructure]] section, or export USD",
                values,
            )
        return values

    def sub_account(self) -> pl.Series:
        """The name of each row's sub account, or its id where it has none."""
        names = self.optional(SUB_ACCOUNT)
        return names.zip_with(names.is_not_null(), self.optional(SUB_ACCOUNT_ID))

    def tag_value(self) -> pl.Series:
        """The value of the tag that costs are grouped by, NULL where a row has none."""
        if self.layout.tag is None or TAG_VALUE in self.rows.frame.columns:
            return self.optional(TAG_VALUE)
        values = self.optional(TAGS)
        distinct = values.drop_nulls().unique()
        found = [_tag_of(text, self.layout.tag) for text in distinct]
        broken = [text for text, value in zip(distinct, found, strict=True) if value is _BROKEN]
        self._refuse(
            values.is_in(broken).fill_null(False), TAGS, '{} is no JSON object such as {"team": "web"}', values
        )
        known = [None if value is _BROKEN else value for value in found]
        return _replaced(values, distinct, pl.Series(known, dtype=pl.String))

    def _time(self, column: str, values: pl.Series) -> pl.Series:
        written = values.is_not_null()
        read = _by_value(values, written, _any_time, pl.Datetime("us"))
        self._refuse(read.is_null() & written, column, f"{{}} is no time; {_HOW_TIME}", values)
        return read

    def _refuse(self, wrong: pl.Series, column: str, what: str, values: pl.Series | None = None) -> None:
        wrong = wrong & self.counted
        if wrong.any():
            row = int(wrong.arg_true()[0])
            value = "" if values is None else shown(values[row])
            raise self.rows.mistake(row, column, what.replace("{}", value, 1))


_BROKEN: Any = object()


def _tag_of(text: str, key: str) -> Any:
    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN
    if not isinstance(tags, dict):
        return _BROKEN
    value = tags.get(key)
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _by_value(values: pl.Series, some: pl.Series, read: Callable[[str], object], dtype: pl.DataType) -> pl.Series:
    """Read each distinct text once; NULL for what is not among `some`, or cannot be read."""
    distinct = values.filter(some).unique()
    return _replaced(values, distinct, pl.Series([read(text) for text in distinct], dtype=dtype))


def _replaced(values: pl.Series, old: pl.Series, new: pl.Series) -> pl.Series:
    frame = values.to_frame("v").join(pl.DataFrame({"v": old, "read": new}), on="v", how="left", maintain_order="left")
    return frame.get_column("read")


def _any_amount(text: str) -> Decimal | None:
    if _ANY_AMOUNT.fullmatch(text) is None:
        return None
    number = Decimal(text)
    if number and not -400 < number.adjusted() < 10:
        return None
    return number.quantize(Decimal(1).scaleb(-SCALE), ROUND_HALF_EVEN, Context(prec=60))


def _any_time(text: str) -> datetime | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    zone = (found["zone"] or "Z").replace("UTC", "Z")
    time = (
        f"{found['hour'] or '00'}:{found['minute'] or '00'}:{found['second'] or '00'}.{(found['part'] or '0')[:6]:0<6}"
    )
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{time}{zone}").astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None
