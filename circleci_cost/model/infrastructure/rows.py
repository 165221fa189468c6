"""Turns the text of rows into costs by day and service; a missing label becomes `(none)`.

Amounts, days and currencies are read exactly, or refused with their place. Providing the text is the job of
`csv_files` and `parquet_files`, deciding which rows are cost that of `charges`, adding up files that of `cost_files`.
"""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from circleci_cost.model.infrastructure.charges import Charges, Purchases
from circleci_cost.model.infrastructure.columns import (
    CHARGE_CATEGORY,
    COST,
    CURRENCY,
    END,
    NONE,
    PERIOD,
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
from circleci_cost.model.infrastructure.values import AMOUNT, moments, tag_values

KEYS = ("provider", "service", "sub_account", "tag_value", "currency")
DAY, UNTIL = "date", "until"
GROUPED_SCHEMA: dict[str, pl.DataType] = {
    PERIOD: pl.Date(),
    DAY: pl.Date(),
    UNTIL: pl.Date(),
    **dict.fromkeys(KEYS, pl.String()),
    SERVICE_CATEGORY: pl.String(),
    COST: AMOUNT,
    "rows": pl.Int64(),
}
LEFT_OUT_KEYS = (PERIOD, CHARGE_CATEGORY, CURRENCY)
LEFT_OUT_SCHEMA: dict[str, pl.DataType] = {
    PERIOD: pl.Date(),
    CHARGE_CATEGORY: pl.String(),
    CURRENCY: pl.String(),
    COST: AMOUNT,
    "rows": pl.Int64(),
}
# Licences are bought for years; a longer period is a mistyped year.
_LONGEST_PERIOD = timedelta(days=3660)
# The local day on which summer time ends has 25 hours.
_ONE_DAY = timedelta(hours=25)
_NOTHING = "nothing is written; every row needs a value"
_HOW_TIME = "write a UTC time such as 2026-01-31T00:00:00Z"
_HOW_AMOUNT = "write digits and a point, such as 1234.56, without separators or a currency"


@dataclass(frozen=True)
class Grouped:
    """Costs of some rows: `frame` (`GROUPED_SCHEMA`) with the first and last day of each charge's period.

    `left_out` (`LEFT_OUT_SCHEMA`) sums the rows that are no cost of a day. `effective` and `billed` count rows whose
    amount of that kind is not 0, `unread_tags` those whose tags cannot be read.
    """

    frame: pl.DataFrame
    left_out: pl.DataFrame
    effective: int
    billed: int
    unread_tags: int


def group(text: TextRows, layout: Layout, *, currencies_known: bool, purchases: Purchases = "specification") -> Grouped:
    """The costs of some rows, added up by billing period, day and key, in their billing currency.

    A row belongs to the UTC day on which its period begins; a row whose period is longer than a day also keeps its
    last day. Raises `ExportDataError` for the first amount, time or currency that cannot be read, and, unless
    `currencies_known`, for a currency other than USD.
    """
    stripped = _joined(text.frame.select(pl.all().str.strip_chars().replace("", None)))
    charges = Charges(stripped, purchases)
    counted = ~charges.left_out
    rows = _Reader(TextRows(text.file, stripped, text.written, text.place), counted, layout)
    days = rows.days()
    tags, unread_tags = rows.tag_value()
    period = rows.period()
    frame = pl.DataFrame(
        {
            PERIOD: period.zip_with(period.is_not_null(), days[DAY].dt.month_start()),
            **days,
            PROVIDER: rows.label(PROVIDER, layout.provider),
            SERVICE: rows.label(SERVICE, None),
            SUB_ACCOUNT: rows.sub_account(),
            TAG_VALUE: tags,
            CURRENCY: rows.currency(currencies_known=currencies_known),
            SERVICE_CATEGORY: rows.optional(SERVICE_CATEGORY),
            CHARGE_CATEGORY: rows.optional(CHARGE_CATEGORY).str.to_titlecase(),
            COST: rows.amount(charges).zip_with(counted, charges.stated),
        }
    )
    by_key = _added(frame.filter(counted), (PERIOD, DAY, UNTIL, *KEYS), pl.col(SERVICE_CATEGORY).max())
    left_out = _added(frame.filter(~counted), LEFT_OUT_KEYS).select(LEFT_OUT_SCHEMA.keys())
    effective, billed = charges.filled
    return Grouped(by_key.select(GROUPED_SCHEMA.keys()), left_out, effective, billed, unread_tags)


def _added(frame: pl.DataFrame, keys: tuple[str, ...], *more: pl.Expr) -> pl.DataFrame:
    return frame.group_by(keys).agg(*more, pl.col(COST).sum(), pl.len().cast(pl.Int64).alias("rows"))


def _joined(frame: pl.DataFrame) -> pl.DataFrame:
    """One column per meaning: of several columns for it, each row's first one that is filled."""
    by_meaning: dict[str, list[str]] = {}
    for name in frame.columns:
        by_meaning.setdefault(name.partition("+")[0], []).append(name)
    return frame.select(pl.coalesce(names).alias(meaning) for meaning, names in by_meaning.items())


@dataclass(frozen=True)
class _Reader:
    """Reads columns of text; only the rows that count must be readable."""

    rows: TextRows
    counted: pl.Series
    layout: Layout

    def optional(self, column: str) -> pl.Series:
        """A column unchanged, all NULL where the file lacks it."""
        frame = self.rows.frame
        if column in frame.columns:
            return frame.get_column(column)
        return pl.repeat(None, frame.height, dtype=pl.String, eager=True)

    def label(self, column: str, instead: str | None) -> pl.Series:
        """A column of labels, `NONE` where a row has none; or `instead` in all rows."""
        if instead is not None:
            return pl.repeat(instead, self.rows.frame.height, dtype=pl.String, eager=True)
        return self.optional(column).fill_null(NONE)

    def amount(self, charges: Charges) -> pl.Series:
        """The cost, exact to `SCALE` decimals."""
        wrong = charges.amount.is_null() & self.counted
        if wrong.any():
            column = str(charges.written_in[int(wrong.arg_true()[0])])
            self._refuse(charges.text.is_null(), column, _NOTHING)
            self._refuse(wrong, column, f"{{}} is no amount; {_HOW_AMOUNT}", charges.text)
        return charges.amount

    def period(self) -> pl.Series:
        """The first day of the billing period that each row states, NULL where it states none."""
        return moments(self.optional(PERIOD)).dt.date()

    def days(self) -> dict[str, pl.Series]:
        """The UTC day on which each period begins, and its last day."""
        start = self._time(START, self._needed(START))
        first = start.dt.date()
        if END not in self.rows.frame.columns:
            return {DAY: first, UNTIL: first}
        written = self.optional(END)
        end = self._time(END, written)
        length = end - start
        self._refuse((length < timedelta()).fill_null(False), END, "{} is before the start of the period", written)
        self._refuse(
            (length > _LONGEST_PERIOD).fill_null(False), END, "{} is more than ten years after the start", written
        )
        last = (end - timedelta(microseconds=1)).dt.date()
        longer = (length > _ONE_DAY).fill_null(False)
        return {DAY: first, UNTIL: last.zip_with(longer, first)}

    def currency(self, *, currencies_known: bool) -> pl.Series:
        """The currency of each row, in capital letters."""
        currency = self.layout.currency
        values = self.label(CURRENCY, currency) if currency else self._needed(CURRENCY).str.to_uppercase()
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
        """The name of each row's sub account, or its id where it has no name."""
        names = self.optional(SUB_ACCOUNT)
        return names.zip_with(names.is_not_null(), self.optional(SUB_ACCOUNT_ID))

    def tag_value(self) -> tuple[pl.Series, int]:
        """The value of the tag that costs are grouped by, NULL where a row has none; and how many are unreadable."""
        if self.layout.tag is None:
            return self.optional(TAGS), 0
        return tag_values(self.optional(TAGS), self.layout.tag)

    def _needed(self, column: str) -> pl.Series:
        values = self.optional(column)
        self._refuse(values.is_null(), column, _NOTHING)
        return values

    def _time(self, column: str, values: pl.Series) -> pl.Series:
        read = moments(values)
        self._refuse(read.is_null() & values.is_not_null(), column, f"{{}} is no time; {_HOW_TIME}", values)
        return read

    def _refuse(self, wrong: pl.Series, column: str, what: str, values: pl.Series | None = None) -> None:
        wrong = wrong & self.counted
        if wrong.any():
            row = int(wrong.arg_true()[0])
            value = "" if values is None else shown(values[row])
            raise self.rows.mistake(row, column, what.replace("{}", value, 1))
