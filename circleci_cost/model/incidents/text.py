"""Incidents in words: titles, sentences, the cells of a table, and JSON.

Plain text from rows of `anomaly_incidents`; showing and escaping it is the callers' job.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from circleci_cost.model.usage.display_names import CHARGE_TYPE_NAMES, dimension_name
from circleci_cost.text.amounts import WIDE, credits_text, dollars, signed, signed_percent
from circleci_cost.text.sentences import sentence_case

TABLE_HEADER = ("incident", "what", "where", "since", "status", "impact", "per month")
KIND_WORDS = {
    "spike": "spike",
    "drop": "drop",
    "level_shift": "level shift",
    "drift": "drift",
    "outage": "outage",
    "vanished": "no longer used",
    "weekend_leak": "use on a weekend",
    "new": "new",
    "price_change": "new price",
}
_STATUS_WORDS = {
    "open": "open",
    "ended": "ended",
    "new_normal": "new normal",
    "expected": "expected",
    "ignored": "ignored",
}
_JSON_DECIMALS = (
    "actual_usd",
    "expected_usd",
    "impact_usd",
    "impact_usd_per_day",
    "peak_usd_per_day",
    "impact_share",
    "monthly_impact_usd",
    "score",
)
JSON_TEXTS = (
    "incident_id",
    "series_kind",
    "series",
    "cost_center",
    "organization",
    "project",
    "workflow",
    "job",
    "charge_type",
    "tag",
    "tag_value",
    "kind",
    "direction",
    "status",
    "first_day",
    "last_day",
    "told_on",
    "reason",
    "decided_until",
    "data_through",
)
JSON_NAMES = (*JSON_TEXTS, *_JSON_DECIMALS, "alarms", "series_in_alarm")

Row = Mapping[str, Any]


def kind_words(row: Row) -> str:
    """The kind in a word or two, with its direction where the word does not imply it."""
    words = KIND_WORDS[row["kind"]]
    if row["kind"] in {"level_shift", "drift", "price_change"}:
        return f"{words} {row['direction']}"
    return words


def where(row: Row) -> str:
    """The series with its kind: `job acme / web / build / test`."""
    return f"{dimension_name(row['series_kind'])} {series_text(row)}"


def series_text(row: Row) -> str:
    """The series as people read it: a charge type at its end is replaced by its display name."""
    series: str = row["series"]
    if row["series_kind"] != "charge_type" or row["charge_type"] is None:
        return series
    return series.removesuffix(row["charge_type"]) + CHARGE_TYPE_NAMES[row["charge_type"]]


def title(row: Row) -> str:
    """One line on what happened where, such as `acme / web: level shift up, +$12.50 so far`."""
    return f"{series_text(row)}: {kind_words(row)}, {signed(row['impact_usd'])}{_so_far(row)}"


def sentences(row: Row, why: str | None = None) -> list[str]:
    """What happened, what it would come to in a month, and why, if known (`why`, from `anomaly_drivers`)."""
    parts = [_course(row)]
    if row["kind"] == "price_change":
        parts.append(f"A credit costs {signed_percent(_step(row))} since {row['first_day']}.")
    elif why:
        parts.append(f"Against the same weekdays before: {why}")
    if row["monthly_impact_usd"] is not None:
        parts.append(f"If it stays, a month comes to {signed(row['monthly_impact_usd'])}.")
    return parts


def cells(row: Row) -> tuple[str, ...]:
    """The cells of an incident under `TABLE_HEADER`."""
    share = row["impact_share"]
    relative = "" if share is None else f" ({signed_percent(share)} of the organization's day)"
    monthly = row["monthly_impact_usd"]
    return (
        row["incident_id"],
        kind_words(row),
        where(row),
        days_text(row["first_day"], row["last_day"]),
        status_words(row),
        f"{signed(row['impact_usd'])}{relative}",
        "–" if monthly is None else signed(monthly),
    )


def status_words(row: Row) -> str:
    """The status for reading."""
    return _STATUS_WORDS[row["status"]]


def certainty(row: Row) -> str:
    """How clearly the incident stands out: its largest score as a multiple of the limit from which a day alarms."""
    if row["kind"] == "price_change":
        return "a known price"
    return f"{row['score']:.1f} × the limit"


def days_text(first: date, last: date) -> str:
    """One day, or from when to when."""
    return f"{first}" if first == last else f"{first} to {last}"


def as_json(row: Row) -> dict[str, Any]:
    """An incident for machines: decimals as strings, days as YYYY-MM-DD."""
    texts = {name: None if row[name] is None else str(row[name]) for name in JSON_TEXTS}
    decimals = {name: None if row[name] is None else credits_text(row[name]) for name in _JSON_DECIMALS}
    return {**texts, **decimals, "alarms": row["alarms"], "series_in_alarm": row["series_in_alarm"]}


def _so_far(row: Row) -> str:
    return " so far" if row["status"] == "open" else ""


def _step(row: Row) -> Decimal:
    """The relative change of a price, which is the impact as a share of the cost of usual days."""
    return WIDE.divide(row["impact_usd"], row["expected_usd"]) if row["expected_usd"] else Decimal(0)


def _course(row: Row) -> str:
    actual, expected = dollars(row["actual_usd"]), dollars(row["expected_usd"])
    days = (row["last_day"] - row["first_day"]).days + 1
    when = f"on {row['first_day']}" if days == 1 else f"from {row['first_day']} to {row['last_day']}"
    if row["kind"] == "price_change":
        return f"{sentence_case(where(row))} has a new price since {row['first_day']}."
    more = "less" if row["impact_usd"] < 0 else "more"
    return (
        f"{sentence_case(where(row))} cost {actual} {when}, {signed(row['impact_usd'])[1:]} {more} than the "
        f"{expected} that were expected."
    )
