"""The ledger of credits: what of each lot was used, expired and left on each day, in credits and in dollars, exactly.

Which lots there are is the job of `purchases`; what is to come that of `outlook`.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy.typing as npt
import polars as pl

from circleci_cost.model.credits.consumption import LotDays, consume
from circleci_cost.model.credits.purchases import CREDITS, USD

# The kind of the rows for usage that no lot paid for; their lot is `<cost center>/uncovered`.
UNCOVERED = "uncovered"
_SUM = pl.Decimal(38, 6)
USAGE_SCHEMA = pl.Schema({"cost_center": pl.String(), "date": pl.Date(), "credits": _SUM})
LEDGER_SCHEMA = pl.Schema(
    {
        "cost_center": pl.String(),
        "lot": pl.String(),
        "kind": pl.String(),
        "date": pl.Date(),
        "bought_on": pl.Date(),
        "expires": pl.Date(),
        "invoice": pl.String(),
        "bought_credits": CREDITS,
        "bought_usd": USD,
        "used_credits": _SUM,
        "used_usd": USD,
        "expired_credits": CREDITS,
        "expired_usd": USD,
        "left_credits": CREDITS,
        "left_usd": USD,
    }
)
_WIDE = pl.Int128()
_MILLIONTH = pl.lit(Decimal("0.000001"), pl.Decimal(7, 6))


def credit_ledger(lots: pl.DataFrame, usage: pl.DataFrame, through: date) -> pl.DataFrame:
    """The days of all lots, `LEDGER_SCHEMA` [lot × day], to the end of `through`.

    In: `lots` as `purchases.credit_lots` gives them; `usage`, `USAGE_SCHEMA`, a row a day. A lot has no rows after the
    day on which it is used up. Usage that no lot paid for, before the first lot or beyond all, has a row of kind
    `UNCOVERED`, so that `used_credits` of a day add up to its usage. What is left of a lot expires at the end of its
    last day, in UTC. Of each lot used + expired + left = bought, in credits and in dollars: its price is spread over
    its credits in whole millionths of a dollar.
    """
    frames = [
        _of_center(own, usage.filter(cost_center=name), through)
        for (name,), own in lots.group_by("cost_center", maintain_order=True)
    ]
    return pl.concat([pl.DataFrame(schema=LEDGER_SCHEMA), *frames])


def _of_center(lots: pl.DataFrame, usage: pl.DataFrame, through: date) -> pl.DataFrame:
    known = usage.filter(pl.col("date") <= through)
    start = min(through, *lots["date"], *known["date"])
    days = pl.DataFrame({"date": pl.date_range(start, through, eager=True)})
    demand = days.join(known, on="date", how="left", maintain_order="left")["credits"].fill_null(Decimal(0))
    paid, rest = consume(
        positions(lots["date"], start),
        positions(lots["expires"], start),
        millionths(lots["credits"]),
        millionths(demand),
    )
    return pl.concat([_lot_days(lots, days["date"], paid), _uncovered(lots.item(0, "cost_center"), days, rest)])


def positions(days: pl.Series, start: date) -> list[int]:
    """Days as positions from the first one."""
    return (days - start).dt.total_days().to_list()


def millionths(credits: pl.Series) -> list[int]:
    """Amounts as whole millionths."""
    return credits.cast(_SUM).to_physical().to_list()


def _integers(values: npt.NDArray[Any]) -> pl.Series:
    return pl.Series(values.tolist() if values.dtype == object else values, dtype=_WIDE)


def _lot_days(lots: pl.DataFrame, days: pl.Series, paid: LotDays) -> pl.DataFrame:
    size, usd, left, used = (pl.col(name) for name in ("size", "price", "left", "used"))
    ends = pl.col("date") == pl.col("expires")

    def worth(credits: pl.Expr) -> pl.Expr:
        # A running value: its differences add up to the price, whatever is rounded off.
        return usd * credits // size

    def as_amount(micro: pl.Expr) -> pl.Expr:
        return micro.cast(pl.Decimal(38, 0)) * _MILLIONTH

    rows = lots.rename({"date": "bought_on", "credits": "bought_credits", "usd": "bought_usd"})[paid.lot]
    rows = rows.with_columns(
        date=days.gather(paid.day),
        used=_integers(paid.used),
        left=_integers(paid.left),
        size=pl.col("bought_credits").to_physical().cast(_WIDE),
        price=pl.col("bought_usd").to_physical().cast(_WIDE),
    )
    left_usd = usd - worth(size - left)
    nothing = pl.lit(0, _WIDE)
    return rows.select(
        *(pl.col(name) for name in LEDGER_SCHEMA if name in rows.columns),
        used_credits=as_amount(used),
        used_usd=as_amount(worth(size - left) - worth(size - left - used)),
        expired_credits=as_amount(pl.when(ends).then(left).otherwise(nothing)),
        expired_usd=as_amount(pl.when(ends).then(left_usd).otherwise(nothing)),
        left_credits=as_amount(pl.when(ends).then(nothing).otherwise(left)),
        left_usd=as_amount(pl.when(ends).then(nothing).otherwise(left_usd)),
    ).select(pl.col(name).cast(dtype) for name, dtype in LEDGER_SCHEMA.items())


def _uncovered(cost_center: str, days: pl.DataFrame, rest: npt.NDArray[Any]) -> pl.DataFrame:
    amount = pl.col("rest").cast(pl.Decimal(38, 0)) * _MILLIONTH
    rows = days.with_columns(rest=_integers(rest)).filter(pl.col("rest") != 0)
    rows = rows.select(
        "date",
        used_credits=amount,
        cost_center=pl.lit(cost_center),
        lot=pl.lit(f"{cost_center}/{UNCOVERED}"),
        kind=pl.lit(UNCOVERED),
    )
    return pl.concat([pl.DataFrame(schema=LEDGER_SCHEMA), rows.cast({"used_credits": _SUM})], how="diagonal")
