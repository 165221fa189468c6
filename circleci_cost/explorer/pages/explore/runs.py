"""Single job runs behind a figure, the dearest first, each with its address in CircleCI."""

from circleci_cost.config.trigger_user_names import usable_user_names
from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.asking import days_there_are
from circleci_cost.explorer.page import Answer, Content
from circleci_cost.explorer.pages.explore.state import PATH
from circleci_cost.explorer.periods import PERIOD_PARAMETERS, asked_period
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.filters import in_words
from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.warehouse.reporting.asked import asked_filters
from circleci_cost.warehouse.reporting.job_runs import MOST_DAYS, dearest_runs

_MOST = 200


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """The runs that the filters let through."""
    address.require_known((*PERIOD_PARAMETERS, "where"))
    _, days = asked_period(address, snapshot)
    filters = asked_filters(address.many("where"), snapshot.tags, snapshot.settings, of_runs=True)
    available = days_there_are(snapshot)
    if available is not None:
        # The last days of a period that reaches into the future have no runs yet.
        days = DayRange(days.first, max(days.first, min(days.last, available.last)))
    users = usable_user_names(snapshot.settings)
    found = dearest_runs(
        snapshot.connection,
        snapshot.lake,
        days,
        filters,
        cost_centers=snapshot.cost_centers,
        user_names=users.by_id,
        limit=_MOST,
    )
    return Content(
        "runs.html",
        {
            "found": found,
            "asked": days,
            "filters": in_words(filters),
            "has_tag": any(each.dimension in snapshot.tags for each in filters),
            "of_charges": any(each.dimension == CHARGE_TYPE for each in filters),
            "back": address.at(PATH),
            "problems": [str(problem) for problem in users.problems],
            "most": _MOST,
            "most_days": MOST_DAYS,
        },
    )
