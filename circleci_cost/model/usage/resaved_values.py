"""Reads values as other programs write them when they save an export again, where they can mean one thing only.

These rules apply to imported files only; the values that CircleCI writes itself are `values`' job.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from circleci_cost.model.usage.exact_values import any_timestamp, exact_credits
from circleci_cost.model.usage.schema import Kind

# 1.234 or 1,234: three digits that may be decimals, or thousands.
THOUSANDS_OR_DECIMALS = r"^\s*[+-]?[1-9][0-9]{0,2}([.,][0-9]{3})+\s*$"
_THOUSANDS_OR_DECIMALS = re.compile(THOUSANDS_OR_DECIMALS)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0{0,2}|[eE]\+?[0-9]{1,2})")
_LARGEST_INTEGER = 2**63 - 1
# Dates with dots are always day, month, year; dates with slashes may also begin with the month.
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})(?P<time>[ T].+)?")
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})[/-](?P<month>[0-9]{2})[/-](?P<day>[0-9]{2})(?P<time>[ T].+)?")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?")
_ONE_DIGIT_HOUR = re.compile(r"[ T](?=[0-9]:)")
_SPREADSHEET_DATE = re.compile(
    r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}\b.*|[0-9]{1,2}[/-][A-Za-z]{3}[/-][0-9]{2,4}.*"
    r"|[0-9]{5}([.,][0-9]+)?|[0-9]{1,2}:[0-9]{2}([:.,][0-9]+)*( ?[AaPp][Mm])?"
)


def _boolean(value: str) -> bool | None:
    return {"true": True, "false": False}.get(value.strip().lower())


def _credits(value: str) -> Decimal | None:
    written = value.strip()
    if _THOUSANDS_OR_DECIMALS.fullmatch(written) or not _DECIMAL_COMMA.fullmatch(written):
        return None
    return exact_credits(written.replace(",", "."))


def _percent(value: str) -> float | None:
    # No percentage has thousands: a comma can only separate decimals.
    written = value.strip()
    return float(written.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(written) else None


def _integer(value: str) -> int | None:
    written = value.strip()
    number = int(Decimal(written)) if _WHOLE.fullmatch(written) else None
    return number if number is not None and abs(number) <= _LARGEST_INTEGER else None


def _iso(value: str) -> tuple[str, str] | None:
    """The day as YYYY-MM-DD and the time as it is written."""
    match = _DAY_FIRST.fullmatch(value.strip()) or _YEAR_FIRST.fullmatch(value.strip())
    if match is None:
        return None
    return f"{match['year']}-{match['month']:0>2}-{match['day']:0>2}", match["time"] or ""


def _date(value: str) -> date | None:
    parts = _iso(value)
    if parts is None or (parts[1] and not _MIDNIGHT.fullmatch(parts[1])):
        return None
    try:
        return date.fromisoformat(parts[0])
    except ValueError:
        return None


def _timestamp(value: str) -> datetime | None:
    parts = _iso(value)
    return any_timestamp(parts[0] + _ONE_DIGIT_HOUR.sub(" 0", parts[1])) if parts else None


FORMS: dict[Kind, Callable[[str], object]] = {
    Kind.BOOLEAN: _boolean,
    Kind.CREDITS: _credits,
    Kind.PERCENT: _percent,
    Kind.INTEGER: _integer,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
}


def reason(value: str, kind: Kind) -> str:
    """Say what another program probably did to a value that cannot be read; empty where that is unknown."""
    written = value.strip()
    if kind in (Kind.DATE, Kind.TIMESTAMP) and _SPREADSHEET_DATE.fullmatch(written):
        return " but looks like one of a spreadsheet, which does not say what it means exactly"
    if kind in (Kind.CREDITS, Kind.INTEGER) and _THOUSANDS_OR_DECIMALS.fullmatch(written):
        return ": its last three digits may be decimals or thousands"
    return ""
