"""One row of `budget_status` in the words of a page: the same cells as the command line's table."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.explorer.addresses import Address
from circleci_cost.model.budgets.status import Status
from circleci_cost.model.budgets.text import TABLE_HEADER, Row, cells, used

_BADGES = {Status.ON_TRACK: "good", Status.AT_RISK: "warn", Status.OVER_BUDGET: "bad"}
PATH = "/budgets"


@dataclass(frozen=True)
class Line:
    """A budget in a period, as text beside the exact amounts.

    `used_share` and `gone_share` are for the bar, `href` leads to its days.
    """

    name: str
    depth: int
    href: str
    owner: str | None
    period: str
    amount: str
    exact_amount: Decimal
    actual: str
    exact_actual: Decimal
    used: str
    used_share: Decimal
    gone: str
    gone_share: Decimal
    forecast: str
    forecast_range: str
    overrun: str
    overrun_on: date | None
    status: str
    badge: str
    note: str | None


def line(row: Row, depth: int = 0) -> Line:
    """The line of a row of `budget_status`."""
    text = dict(zip(TABLE_HEADER, cells(0, row), strict=True))
    median, _, between = text["forecast (10–90 %)"].partition(" (")
    return Line(
        name=row["budget"],
        depth=depth,
        href=href(row["budget"], row["period_start"]),
        owner=row["owner"],
        period=row["period"],
        amount=text["amount"],
        exact_amount=row["amount"],
        actual=text["actual"],
        exact_actual=row["actual"],
        used=text["used"],
        used_share=used(row),
        gone=text["period gone"],
        gone_share=row["period_gone"],
        forecast=median,
        forecast_range=between.removesuffix(")"),
        overrun=text["overrun"],
        overrun_on=row["overrun_date"],
        status=text["status"],
        badge=_BADGES[Status(row["status"])],
        note=row["note"],
    )


def href(budget: str, period_start: date) -> str:
    """The address of a budget in a period."""
    return str(Address(PATH).changed(budget=budget, period_start=period_start.isoformat()))
