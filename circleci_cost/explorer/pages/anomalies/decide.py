"""The one thing that a page changes: what people decide about an incident, in the configuration's file of decisions."""

from circleci_cost.config.decisions_file import decide
from circleci_cost.errors import CircleciCostError, ConfigurationError, UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Change, Content
from circleci_cost.explorer.pages.anomalies.decided import decided
from circleci_cost.explorer.pages.anomalies.incident import Typed, incident_address, show_incident
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.incidents.decision import Decision, asked_decision
from circleci_cost.model.incidents.decision_edits import DecidedMeanwhileError
from circleci_cost.model.incidents.listing import incident_named

TAKE_BACK = "none"
_CONFLICT, _BAD, _FAILED = 409, 400, 500


def change_decision(change: Change, snapshot: Snapshot) -> Address | Content:
    """Store or take back a decision; where that is refused, the page says why and keeps what was typed.

    Raises `UsageError` where there is no such incident.
    """
    fields = change.fields
    incident_id = fields.get("incident", "")
    incident_named(decided(snapshot).rows, incident_id)
    typed = Typed(fields.get("decision", ""), fields.get("reason", ""), fields.get("until", ""))
    try:
        decide(snapshot.settings, incident_id, _asked(typed, change.user), fields.get("seen", ""))
    except CircleciCostError as error:
        return show_incident(incident_id, snapshot, str(error), typed, _status(error))
    return incident_address(incident_id)


def _asked(typed: Typed, user: str) -> Decision | None:
    """The decision that is asked for, None to take one back. With a login, the reason ends with who decided."""
    if typed.decision == TAKE_BACK:
        return None
    return asked_decision(typed.decision, signed_by(typed.reason, user), typed.until)


def signed_by(reason: str, user: str) -> str:
    """The reason with the name of the user who decided, once: `load test (by ada)`."""
    name = f"(by {user})" if user else ""
    return reason if reason.endswith(name) else f"{reason} {name}".strip()


def _status(error: CircleciCostError) -> int:
    if isinstance(error, DecidedMeanwhileError):
        return _CONFLICT
    return _BAD if isinstance(error, UsageError | ConfigurationError) else _FAILED
