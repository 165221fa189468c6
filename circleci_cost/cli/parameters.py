"""Types of options that several commands share."""

from datetime import date
from typing import Any

import click


class DayParameter(click.ParamType[date]):
    """A day, written YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read a day; dates with a time or in other orders are refused."""
        if isinstance(value, date):
            return value
        try:
            if len(value) != len("2026-01-31"):
                raise ValueError(value)
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as YYYY-MM-DD, such as 2026-01-31.", param, ctx)


DAY = DayParameter()
