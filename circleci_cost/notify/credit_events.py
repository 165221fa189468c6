"""The notices about prepaid credits: low, expiring unused, builds that may stop.

Pure: `model.credits` computes what is to come, `credit_occasions` finds out what is due.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from circleci_cost.config.notifications import Event
from circleci_cost.model.credits.findings import say_run_out, top_up
from circleci_cost.notify.messages import Key, Message, Notice, Severity
from circleci_cost.text.amounts import dollars, exact, whole_number
from circleci_cost.text.sentences import sentence_case


def credits_low(row: Mapping[str, Any], newest: date) -> Notice:
    """The notice that credits may run out soon. Once until more is bought: `newest` is the day of the last purchase."""
    title = f"{row['cost_center']}: credits may run out on {row['runs_out_earliest']}"
    return _running_out("credits_low", "warning", title, row, newest)


def builds_may_stop(row: Mapping[str, Any], newest: date) -> Notice:
    """The notice that builds may stop within days for lack of credits. Once until more is bought."""
    title = f"{row['cost_center']}: builds may stop on {row['runs_out_earliest']}, credits run out"
    return _running_out("builds_may_stop", "critical", title, row, newest)


def credits_expiring(cost_center: str, day: date, credits: Decimal, usd: Decimal) -> Notice:
    """The notice that paid credits will probably expire unused on a day. Once per day of expiry."""
    message = Message(
        title=f"{cost_center}: credits worth {dollars(usd)} will probably expire unused on {day}",
        severity="warning",
        lines=(
            f"At the expected usage {whole_number(credits)} credits are left at the end of {day}, their last day. Ask "
            "CircleCI about extending them, or buy less next time.",
        ),
        data={
            "cost_center": cost_center,
            "expires": day.isoformat(),
            "expiring_credits": exact(credits),
            "expiring_usd": exact(usd),
        },
    )
    return Notice(Key("credits_expiring", cost_center, day.isoformat()), message)


def _running_out(event: Event, severity: Severity, title: str, row: Mapping[str, Any], newest: date) -> Notice:
    message = Message(title=title, severity=severity, lines=_lines(row), facts=_facts(row), data=_data(row))
    return Notice(Key(event, row["cost_center"], newest.isoformat()), message)


def _lines(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{sentence_case(sentence)}." for sentence in (say_run_out(row), *top_up(row)))


def _facts(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return (
        ("Credits left", f"{whole_number(row['balance_credits'])}, worth {dollars(row['balance_usd'])}"),
        ("Expected per day", whole_number(row["credits_per_day"])),
        ("Data through", str(row["data_through"])),
    )


def _data(row: Mapping[str, Any]) -> dict[str, Any]:
    days = ("data_through", "runs_out_on", "runs_out_earliest", "runs_out_latest", "top_up_until")
    amounts = ("balance_credits", "balance_usd", "credits_per_day", "top_up_credits", "top_up_usd")
    return {
        "cost_center": row["cost_center"],
        **{name: row[name].isoformat() if row[name] else None for name in days},
        **{name: exact(row[name]) for name in amounts},
        "auto_refill": row["auto_refill"],
    }
