"""The notices of imports, syncs, prices, tokens and data quality: a key and a message from plain values.

Pure: `occasions` and `defs` find out what has happened. Budgets and digests are in `budget_events`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.pricing.definition import TOKEN_WARNING_DAYS
from circleci_cost.model.pricing.price_gaps import say_gaps
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.notify.messages import Envelope, Key, Message, Notice, Table
from circleci_cost.text.amounts import dollars, exact, exact_number
from circleci_cost.text.units import counted

# The days left at which the end of a token is notified; its last day is day 0.
TOKEN_DAYS = (TOKEN_WARNING_DAYS, 15, 7, 1, -1)


def import_complete(
    cost_center: str,
    days: DayRange,
    *,
    jobs: int,
    runs: int,
    credits_used: Decimal,
    unpriced_credits: Decimal,
    cost: Decimal | None,
    prices: Sequence[PricePeriod],
    unpriced_days: Sequence[DayRange],
) -> Notice:
    """The notice that a cost center's first import is complete: its usage, and the prices of its costs.

    Once per cost center. `cost` in USD, None where nothing has a price.
    """
    lines = [f"The history of {cost_center} is imported: {counted(days.days, 'day')}, {days}."]
    if unpriced_days:
        lines.append(
            f"No price is configured for {say_gaps(unpriced_days)}; usage there stays unpriced, never $0. Add a "
            "[[cost_centers.pricing]] section for these days, then run `circleci-cost reprice`."
        )
    message = Message(
        title=f"{cost_center}: first import complete, {dollars(cost)}",
        severity="warning" if unpriced_days else "info",
        lines=tuple(lines),
        facts=(
            ("Days of usage", str(days)),
            ("Jobs", f"{jobs:,}"),
            ("Runs", f"{runs:,}"),
            ("Usage", f"{exact_number(credits_used)} credits"),
            ("Cost", dollars(cost)),
            *((("Unpriced", f"{exact_number(unpriced_credits)} credits"),) if unpriced_credits else ()),
        ),
        table=Table(
            header=("Price period", "USD per credit"),
            rows=tuple((period.days(), str(exact(period.price_per_credit))) for period in prices),
        ),
        data={
            "cost_center": cost_center,
            "from": days.first.isoformat(),
            "to": days.last.isoformat(),
            "jobs": jobs,
            "runs": runs,
            "credits": exact(credits_used),
            "unpriced_credits": exact(unpriced_credits),
            "cost_usd": exact(cost),
            "prices": [
                {
                    "effective_from": period.effective_from.isoformat(),
                    "effective_until": period.effective_until.isoformat() if period.effective_until else None,
                    "price_per_credit": exact(period.price_per_credit),
                }
                for period in prices
            ],
            "unpriced_days": [{"from": gap.first.isoformat(), "to": gap.last.isoformat()} for gap in unpriced_days],
        },
    )
    return Notice(Key("import_complete", cost_center), message)


def sync_failed(
    cost_center: str, days: DayRange, sentence: str, run_id: str, *, open_period: str | None = None
) -> Notice:
    """The notice that a cost center's sync failed, with the error's sentence and the id of the Dagster run.

    `open_period` is the period of `Outbox.open_message("sync_failed", "sync_recovered", cost_center)`: while a failure
    lasts, its message stays the same one.
    """
    message = Message(
        title=f"{cost_center}: sync failed",
        severity="critical",
        lines=(sentence, "What was published before is untouched; the next scheduled run tries these days again."),
        facts=(("Cost center", cost_center), ("Days of usage", str(days)), ("Run", run_id)),
        data={
            "cost_center": cost_center,
            "from": days.first.isoformat(),
            "to": days.last.isoformat(),
            "error": sentence,
            "run_id": run_id,
        },
    )
    return Notice(Key("sync_failed", cost_center, open_period or run_id), message)


def sync_recovered(cost_center: str, days: DayRange, run_id: str, *, open_period: str) -> Notice:
    """The notice that a cost center's sync works again; `open_period` is the failure's, from `Outbox.open_message`."""
    message = Message(
        title=f"{cost_center}: sync works again",
        lines=(f"The days {days} are imported and published.",),
        facts=(("Cost center", cost_center), ("Days of usage", str(days)), ("Run", run_id)),
        data={
            "cost_center": cost_center,
            "from": days.first.isoformat(),
            "to": days.last.isoformat(),
            "run_id": run_id,
        },
    )
    return Notice(Key("sync_recovered", cost_center, open_period), message)


def price_gap(cost_center: str, first_unpriced_day: date) -> Notice:
    """The notice that a cost center has no price from a future day on. Once per such day."""
    message = Message(
        title=f"{cost_center}: no price from {first_unpriced_day} on",
        severity="warning",
        lines=(
            f"Usage of {cost_center} from {first_unpriced_day} on will be unpriced. Add the next "
            "[[cost_centers.pricing]] section to circleci_cost.toml; `circleci-cost check` shows the timeline.",
        ),
        data={"cost_center": cost_center, "first_unpriced_day": first_unpriced_day.isoformat()},
    )
    return Notice(Key("price_gap", cost_center, first_unpriced_day.isoformat()), message)


def token_expiry(cost_center: str, variable: str, expires: date, days_left: int) -> Notice | None:
    """The notice that a cost center's API token ends soon; None while that is more than 30 days away.

    Once when 30, 15, 7 and 1 days are left, and once when it has ended; of steps that were missed, only the last. A new
    `expires` starts over. `variable` is the name of the token's environment variable.
    """
    reached = [threshold for threshold in TOKEN_DAYS if days_left <= threshold]
    if not reached:
        return None
    when = "has ended" if days_left < 0 else "ends today" if days_left == 0 else f"ends in {counted(days_left, 'day')}"
    message = Message(
        title=f"{cost_center}: the CircleCI token {when}",
        severity="warning" if days_left > 1 else "critical",
        lines=(
            f"The token of {cost_center} in {variable} {when} ({expires}). Make a new one in CircleCI (User Settings → "
            "Personal API Tokens), set the variable, and write its end into api_token_expires.",
        ),
        data={
            "cost_center": cost_center,
            "variable": variable,
            "expires": expires.isoformat(),
            "days_left": days_left,
        },
    )
    return Notice(Key("token_expiry", cost_center, expires.isoformat(), str(reached[-1])), message)


def data_quality(check: str, subject: str, sentence: str, week: date, checked_on: date) -> Notice:
    """The notice that a data check failed on the day `checked_on` (UTC), which may be long past.

    Once per check, subject (a cost center or a table) and `week`, the Monday of the week of the notification.
    """
    message = Message(
        title=f"Data quality: {check} failed for {subject}",
        severity="warning",
        lines=(sentence,),
        facts=(
            ("Check", check),
            ("Subject", subject),
            ("Checked on", f"{checked_on} (UTC)"),
            ("Told for", f"the week from Monday {week}; again next week if it still fails"),
        ),
        data={
            "check": check,
            "subject": subject,
            "day": week.isoformat(),
            "checked_on": checked_on.isoformat(),
            "sentence": sentence,
        },
    )
    return Notice(Key("data_quality", f"{check}: {subject}", week.isoformat()), message)


def channel_test(now: datetime, link: str | None) -> Envelope:
    """The message of `notify test`, sent without the outbox; each has its own key."""
    message = Message(
        title="Test of this channel",
        lines=("Notifications of circleci_cost reach you here. Nothing has happened; somebody ran `notify test`.",),
        link=link,
    )
    return Envelope(Key("test", "notify test", now.isoformat()), message, now)
