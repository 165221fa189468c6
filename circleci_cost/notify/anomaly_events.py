"""The notices about incidents and their end: a key and a message from rows of `anomaly_incidents`.

Pure: `model.incidents.incidents` finds the incidents, `anomaly_occasions` decides which to notify.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from circleci_cost.model.incidents import text as incident_text
from circleci_cost.model.usage.display_names import driver_name
from circleci_cost.notify.messages import Key, Message, Notice, Table
from circleci_cost.text.amounts import signed
from circleci_cost.text.sentences import sentence_case

Row = Mapping[str, Any]
_MOST_URLS = 3


def anomaly(
    row: Row,
    grown: int,
    *,
    why: str | None = None,
    effects: Sequence[tuple[str, str, Decimal]] = (),
    urls: Sequence[str] = (),
    services: Sequence[str] = (),
    owner: str | None = None,
) -> Notice:
    """The notice of an incident: once when it is found, and again each time it has `grown` by the configured factor.

    `why` is the sentence about its drivers, `effects` are the largest drivers (where, driver, USD), `urls` link to
    example runs, `services` are sentences about infrastructure that shifted around it.
    """
    lines = [*incident_text.sentences(row, why), *services]
    if grown:
        at_first, by_now = signed(row["told_usd_per_day"]), signed(row["peak_usd_per_day"])
        lines.insert(0, f"It has grown: first a day came to {at_first}, since then it has reached {by_now}.")
    # An address ends its line: text after it would be read as part of it.
    lines += [f"Example: {url}" for url in urls[:_MOST_URLS]]
    lines.append(
        f"`circleci-cost anomalies --incident {row['incident_id']}` shows more. If that was meant, add it to the file "
        f"that [anomalies] decisions names: incident {row['incident_id']}, decision expected."
    )
    message = Message(
        title=f"{incident_text.title(row)}{' (grown)' if grown else ''}",
        severity="warning" if row["direction"] == "up" else "info",
        lines=tuple(lines),
        facts=(
            ("Incident", row["incident_id"]),
            ("Where", incident_text.where(row)),
            ("Days", incident_text.days_text(row["first_day"], row["last_day"])),
            ("Status", incident_text.status_words(row)),
        ),
        table=Table(
            header=("Where", "Driver", "Effect"),
            rows=tuple((where, driver_name(driver), signed(amount)) for where, driver, amount in effects),
        )
        if effects
        else None,
        data={**incident_text.as_json(row), "grown": grown, "why": why},
    )
    return Notice(Key("anomaly", row["incident_id"], "", str(grown)), message, owner)


def anomaly_recovered(row: Row, *, owner: str | None = None) -> Notice:
    """The notice that a notified incident has ended, or has become the new normal. Once."""
    stays = row["status"] == "new_normal"
    end = "is the new normal" if stays else "has ended"
    place, days = incident_text.where(row), incident_text.days_text(row["first_day"], row["last_day"])
    lines = [f"{sentence_case(place)}: the {incident_text.kind_words(row)} of {days} {end}."]
    if stays and row["monthly_impact_usd"] is not None:
        lines.append(f"A month comes to {signed(row['monthly_impact_usd'])}.")
    what = f"{incident_text.series_text(row)}: {incident_text.kind_words(row)}"
    message = Message(
        title=f"{what} {end}, {signed(row['impact_usd'])} in all",
        lines=tuple(lines),
        facts=(("Incident", row["incident_id"]), ("Status", incident_text.status_words(row))),
        data=incident_text.as_json(row),
    )
    return Notice(Key("anomaly_recovered", row["incident_id"]), message, owner)
