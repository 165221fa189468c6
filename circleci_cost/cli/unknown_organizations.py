"""Says which organizations the data hold that the configuration does not name, where it wants them reported."""

from datetime import date

from circleci_cost.cli.streams import say
from circleci_cost.config.settings import Settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake


def say_unknown_organizations(settings: Settings, lake: Lake, cost_center: str, first: date, last: date) -> None:
    """Say one line for each such organization; nothing where they are refused."""
    from circleci_cost.lake.unknown_organizations import unknown_organizations

    center = settings.cost_center(cost_center)
    if center.unknown_organizations == "report":
        for organization in unknown_organizations(lake, cost_center, center.organizations, days_between(first, last)):
            say(f"{organization.described}.")
