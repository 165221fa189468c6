"""The cost centers and days that a command is about."""

from collections.abc import Sequence
from datetime import date

from circleci_cost.config.settings import Settings
from circleci_cost.config.tokens import api_token
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.model.pricing.definition import CostCenter


def chosen_centers(settings: Settings, names: Sequence[str]) -> list[CostCenter]:
    """The cost centers with these names, or all. Raises `ConfigurationError` for an unknown name."""
    return [settings.cost_center(name) for name in dict.fromkeys(names)] or list(settings.cost_centers)


def require_tokens(settings: Settings, centers: Sequence[CostCenter]) -> None:
    """Raise `AuthorizationError` at once for a token that is not set, before any process is started."""
    if not settings.is_demo:
        for center in centers:
            api_token(center)


def chosen_days(settings: Settings, first: date | None, last: date | None, newest: date) -> DayRange:
    """The days `first` to `last`; default: the history up to the `newest` whole day. Raises `UsageError` for others."""
    days = DayRange(first or settings.history_start, last or newest)
    if days.last < days.first:
        raise UsageError(f"--from {days.first} lies after --to {days.last}; exchange them.")
    if days.first < settings.history_start:
        raise UsageError(
            f"--from {days.first} lies before history_start = {settings.history_start}; set an earlier history_start "
            f"in {settings.described_source} first."
        )
    if days.last > newest:
        raise UsageError(f"--to {days.last} is not over yet in UTC; the last whole day is {newest}.")
    return days
