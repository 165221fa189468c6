"""Regular expressions in sections, in the dialect of the database that compares them (RE2, which is not Python's).

What they are compared with is each section's to say.
"""


def why_unreadable(pattern: str) -> str | None:
    """Why DuckDB cannot read the expression, without repeating it; None where it can."""
    import duckdb

    try:
        duckdb.execute("SELECT regexp_matches('', $pattern)", {"pattern": pattern}).fetchall()
    except duckdb.Error as error:
        # What follows the reason repeats the expression, and so would a secret in its place be.
        return str(error).partition("\n")[0].removeprefix("Invalid Input Error: ").partition(": ")[0]
    return None
