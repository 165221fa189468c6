"""What an address asks of the page: the parameters of `circleci-cost explain`, each of them checked."""

from circleci_cost.clock import utc_today
from circleci_cost.days import parse_day
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import WEEKDAYS
from circleci_cost.text.plain import quoted
from circleci_cost.warehouse.drivers.explanation import AskedChange, Explanation, explained

PARAMETERS = ("from", "to", "against", "by", "where", "limit")
# The form has two fields for the days to compare with; an address has them in one.
DAYS = "days"
_FIRST, _LAST, _WAS = "against_from", "against_to", "against_was"
FORM_PARAMETERS = (*PARAMETERS, _FIRST, _LAST, _WAS)
MOST_ROWS = 200
_ROWS = 25
_MOST_DIMENSIONS = 2


def in_one(address: Address) -> Address | None:
    """The address that a sent form stands for; None where it is one already. Raises `UsageError`.

    Days that were filled in count, unless they stood there and something else was chosen instead.
    """
    if all(value and name in PARAMETERS for name, value in address.parameters) and address.one("against") != DAYS:
        return None
    against, first, last = (address.one(name) for name in ("against", _FIRST, _LAST))
    if against == DAYS or ((first or last) and address.one(_WAS) is None):
        against = f"{first or ''}:{last or ''}"
    kept = address.only(*PARAMETERS).changed(against=None if against == WEEKDAYS else against)
    return Address(kept.path, tuple(pair for pair in kept.parameters if pair[1]))


def asked(address: Address) -> AskedChange:
    """The question of an address. Raises `UsageError`."""
    address.require_known(PARAMETERS)
    first, last = (None if text is None else parse_day(text) for text in map(address.one, ("from", "to")))
    by = [name for text in address.many("by") for name in text.split(",") if name.strip()]
    if len(by) > _MOST_DIMENSIONS:
        raise UsageError(f"Groups are of {_MOST_DIMENSIONS} dimensions at most, not {len(by)}; leave some out of by.")
    return AskedChange(first, last, address.one("against") or WEEKDAYS, by, address.many("where"), _limit(address))


def explanation_of(question: AskedChange, snapshot: Snapshot) -> Explanation:
    """The answer, as `circleci-cost explain` gives it. Raises as `explained` does."""
    return explained(
        snapshot.connection,
        snapshot.generation,
        question,
        lake=snapshot.lake,
        settings=snapshot.settings,
        today=utc_today(snapshot.clock),
    )


def _limit(address: Address) -> int:
    text = address.one("limit")
    if text is None:
        return _ROWS
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_ROWS):
        raise UsageError(f"limit {quoted(text)} is no number from 1 to {MOST_ROWS}.")
    return int(text)
