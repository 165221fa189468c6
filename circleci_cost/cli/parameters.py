"""Types of options that several commands share."""

from datetime import date
from typing import Any

import click

from circleci_cost.days import parse_day
from circleci_cost.errors import UsageError


class DayParameter(click.ParamType[date]):
    """A day, written YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read a day; dates with a time or in other orders are refused."""
        if isinstance(value, date):
            return value
        try:
            return parse_day(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


DAY = DayParameter()
