"""Checks regular expressions of sections in the dialect of the database that matches them (RE2, not Python's).

Each section says what its expressions are matched against.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@cache
def _database() -> "duckdb.DuckDBPyConnection":
    # Opening one takes longer than a hundred patterns do.
    from circleci_cost.database import connect

    return connect()


def why_unreadable(pattern: str) -> str | None:
    """Why DuckDB cannot read the expression, without repeating it; None where it can."""
    import duckdb

    try:
        _database().cursor().execute("SELECT regexp_matches('', $pattern)", {"pattern": pattern}).fetchall()
    except duckdb.Error as error:
        # The text after the reason repeats the expression, which may be a secret pasted by mistake.
        return str(error).partition("\n")[0].removeprefix("Invalid Input Error: ").partition(": ")[0]
    return None
