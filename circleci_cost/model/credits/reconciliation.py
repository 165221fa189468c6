"""An invoice against the computed cost of its days: the difference taken apart by cause, to the last digit.

The invoices are defined in `invoices`; days and lots are added up in `warehouse.credits`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum

import polars as pl

from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.model.credits.definition import Plan
from circleci_cost.model.credits.invoices import Invoice
from circleci_cost.text.amounts import WIDE, mean_count, whole_number
from circleci_cost.text.units import counted, verb

_COST = pl.Decimal(38, 16)
_CREDITS = pl.Decimal(38, 6)
# A known day of a cost center: costs, and which credits lots paid for: `paid` by lots with a price, `free` by others.
DAYS_SCHEMA = pl.Schema(
    {
        "date": pl.Date(),
        "credits": _CREDITS,
        "unpriced_credits": _CREDITS,
        "price_per_credit": pl.Decimal(18, 10),
        "cost_usd": _COST,
        "user_credits": _CREDITS,
        **{f"{name}_cost_usd": _COST for name in ("user", "storage", "network")},
        "paid_credits": _CREDITS,
        "paid_usd": _CREDITS,
        "free_credits": _CREDITS,
    }
)
# Lots with a price, by the day on which they were bought.
BOUGHT_SCHEMA = pl.Schema({"date": pl.Date(), "invoice": pl.String(), "usd": _CREDITS})
RESTATED_SCHEMA = pl.Schema({"date": pl.Date(), "recorded_on": pl.Date(), "credits": _CREDITS})
RECONCILIATION_SCHEMA = pl.Schema(
    {
        "cost_center": pl.String(),
        "period_start": pl.Date(),
        "period_end": pl.Date(),
        "position": pl.Int32(),
        "cause": pl.String(),
        "amount_usd": _COST,
        "estimated": pl.Boolean(),
        "note": pl.String(),
        "invoice_usd": pl.Decimal(18, 6),
        "invoices": pl.String(),
    }
)
_MICRO = Decimal("0.000001")
_NOTHING = Decimal(0)


class Cause(StrEnum):
    """The parts of an invoice: the computed cost, what leads from it to the invoice, and what nothing explains."""

    COMPUTED = "computed"
    SEATS = "seats"
    STORAGE = "storage"
    NETWORK = "network"
    PURCHASES = "refill_instead_of_usage"
    BONUS = "bonus_credits"
    PRICE = "price_period"
    MISSING = "days_missing"
    RESTATED = "restated_since"
    TAX = "tax"
    UNEXPLAINED = "unexplained"


_ORDER = list(Cause)
_APART = {Cause.SEATS: "user", Cause.STORAGE: "storage", Cause.NETWORK: "network"}


@dataclass(frozen=True)
class Part:
    """A part of the difference in USD; an estimate is `estimated`, and the note says from what."""

    cause: Cause
    amount: Decimal
    note: str | None = None
    estimated: bool = False


@dataclass(frozen=True)
class Billed:
    """All invoices for the same days, added up."""

    days: DayRange
    invoices: Sequence[Invoice]
    made_out: date

    @property
    def amount(self) -> Decimal:
        """What is billed in all."""
        return sum((invoice.amount for invoice in self.invoices), _NOTHING)

    @property
    def numbers(self) -> list[str]:
        """The numbers of the invoices that have one."""
        return [invoice.number for invoice in self.invoices if invoice.number is not None]

    def line(self, name: str) -> Decimal | None:
        """What is billed apart under a name of `InvoiceLines`; None where no invoice has such a line."""
        amounts = [getattr(invoice.lines, name) for invoice in self.invoices]
        given = [amount for amount in amounts if amount is not None]
        return sum(given, _NOTHING) if given else None


def billed_periods(invoices: Sequence[Invoice], billing_day: int) -> list[Billed]:
    """The invoices by their days, in order."""
    by_days: dict[DayRange, list[Invoice]] = {}
    for invoice in invoices:
        by_days.setdefault(invoice.days(billing_day), []).append(invoice)
    return [
        Billed(days, each, max(invoice.made_out(billing_day) for invoice in each))
        for days, each in sorted(by_days.items(), key=lambda pair: pair[0].first)
    ]


def reconcile(
    cost_center: str,
    billed: Billed,
    days: pl.DataFrame,
    *,
    plan: Plan,
    bought: pl.DataFrame | None,
    restated: pl.DataFrame,
    ledger_through: date | None = None,
) -> pl.DataFrame:
    """The rows of one billing period, `RECONCILIATION_SCHEMA`; `amount_usd` adds up to the invoice, to the last digit.

    In: `days`, `DAYS_SCHEMA`, all known days of the cost center; `bought`, `BOUGHT_SCHEMA`, None for a cost center
    without purchases: its invoices bill usage. With purchases, an invoice bills what was bought: the usage that lots
    paid for gives way to the purchases of the period. Which lots pay for usage after `ledger_through`, on days that are
    not complete yet, nobody knows.
    """
    own = days.filter(pl.col("date").is_between(billed.days.first, billed.days.last))
    with localcontext(WIDE):
        computed = Part(Cause.COMPUTED, _sum(own["cost_usd"]))
        seats = _seats(own, plan)
        if bought is None:
            causes = _of_usage(billed, own, restated, seats)
        else:
            causes = _of_purchases(billed, own, bought, ledger_through, seats)
        tax = billed.line("tax")
        parts = [computed, *causes, *([Part(Cause.TAX, tax)] if tax else [])]
        rest = billed.amount - sum((part.amount for part in parts), _NOTHING)
    why = "no day of the period has data" if rest and own.is_empty() else None
    parts = [*(part for part in parts if part.amount or part is computed), Part(Cause.UNEXPLAINED, rest, why)]
    rows = [
        (
            cost_center,
            billed.days.first,
            billed.days.last,
            _ORDER.index(part.cause),
            part.cause.value,
            part.amount,
            part.estimated,
            part.note,
            billed.amount,
            ", ".join(billed.numbers) or None,
        )
        for part in sorted(parts, key=lambda part: _ORDER.index(part.cause))
    ]
    return pl.DataFrame(rows, RECONCILIATION_SCHEMA, orient="row")


def _of_usage(billed: Billed, days: pl.DataFrame, restated: pl.DataFrame, seats: str) -> Iterator[Part]:
    """From the computed cost to an invoice that bills usage."""
    for cause, charge in _APART.items():
        line = billed.line(cause.value)
        if line is not None:
            note = f"billed apart, against the computed cost{seats if cause is Cause.SEATS else ''}"
            yield Part(cause, line - _sum(days[f"{charge}_cost_usd"]), note)
    yield from _unpriced(days)
    missing = [day for day in days_between(billed.days.first, billed.days.last) if day not in set(days["date"])]
    if missing and days.height:
        mean = _sum(days["cost_usd"]) / days.height
        known = f"{counted(len(missing), 'day')} without data ({say_ranges(as_ranges(missing))})"
        yield Part(Cause.MISSING, (mean * len(missing)).quantize(_MICRO), f"{known}, at the mean of the others", True)
    later = restated.filter(pl.col("recorded_on") > billed.made_out).join(
        days.select("date", "price_per_credit"), on="date"
    )
    change = _sum(later["credits"])
    yield Part(
        Cause.RESTATED,
        -_sum(_times(later, "credits")),
        f"{whole_number(change)} credits were restated after {billed.made_out}",
    )


def _of_purchases(
    billed: Billed, days: pl.DataFrame, bought: pl.DataFrame, ledger_through: date | None, seats: str
) -> Iterator[Part]:
    """From the computed cost to an invoice that bills what was bought."""
    for cause in _APART:
        line = billed.line(cause.value)
        if line is not None:
            note = f"billed in dollars, beside the credits{seats if cause is Cause.SEATS else ''}"
            yield Part(cause, line, note)
    in_period = pl.col("date").is_between(billed.days.first, billed.days.last)
    named = pl.col("invoice").is_in(billed.numbers)
    own = bought.filter(named.fill_null(False) | (in_period & pl.col("invoice").is_null()))
    used = _sum(days["paid_usd"])
    lots = f"{counted(own.height, 'purchase')} {verb(own.height, 'is', 'are')} billed, not the usage that lots paid for"
    yield Part(Cause.PURCHASES, _sum(own["usd"]) - used, lots)
    free = _sum(days["free_credits"])
    yield Part(Cause.BONUS, -_sum(_times(days, "free_credits")), f"{whole_number(free)} credits came free of charge")
    yield Part(
        Cause.PRICE, used - _sum(_times(days, "paid_credits")), "lots had cost another price than the contracted one"
    )
    later = days.filter(pl.col("date") > (ledger_through or billed.days.last))
    yield Part(Cause.MISSING, -_sum(later["cost_usd"]), f"usage after {ledger_through}, the ledger's last day so far")


def _seats(days: pl.DataFrame, plan: Plan) -> str:
    """How many seats were booked beyond those that the plan includes; empty where that is not known."""
    if plan.seats_included is None:
        return ""
    seats = mean_count(float(_sum(days["user_credits"]) / plan.seat_credits))
    noun = "seat" if seats == "1" else "seats"
    return f" of {seats} {noun} beyond the {plan.seats_included:,} included"


def _unpriced(days: pl.DataFrame) -> Iterator[Part]:
    unpriced, cost = _sum(days["unpriced_credits"]), _sum(days["cost_usd"])
    priced = _sum(days["credits"]) - unpriced
    if unpriced and priced:
        worth = (cost / priced * unpriced).quantize(_MICRO)
        note = f"{whole_number(unpriced)} credits on days without a price, at the mean price of the others"
        yield Part(Cause.PRICE, worth, note, True)


def _times(rows: pl.DataFrame, credits: str) -> pl.Series:
    """Credits at the contracted price of their day; without a price they have no computed cost."""
    price = pl.col("price_per_credit").fill_null(_NOTHING)
    return rows.select((pl.col(credits).cast(_CREDITS) * price).cast(_COST)).to_series()


def _sum(amounts: pl.Series) -> Decimal:
    return sum(amounts.drop_nulls(), _NOTHING)
