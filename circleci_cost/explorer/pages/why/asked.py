"""What an address asks of the page: the parameters of `circleci-cost explain`, each of them checked."""

from circleci_cost.clock import utc_today
from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import WEEKDAYS
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
    texts = {name: address.many(name) for name in PARAMETERS}
    question = AskedChange.of_texts({"limit": [f"{_ROWS}"]} | {name: given for name, given in texts.items() if given})
    names = [name for text in question.by for name in text.split(",") if name.strip()]
    if len(names) > _MOST_DIMENSIONS:
        raise UsageError(
            f"Groups are of {_MOST_DIMENSIONS} dimensions at most, not {len(names)}; leave some out of by."
        )
    if question.limit > MOST_ROWS:
        raise UsageError(f"A page lists {MOST_ROWS} groups at most, not {question.limit:,}; the CSV has all of them.")
    return question


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
