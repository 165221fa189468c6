"""Gives rows of earlier versions this version's columns: what they lack is supplied in the query that reads them."""

from collections.abc import Mapping

import duckdb

from circleci_cost.warehouse.core.added_columns import UNFILLED, UNWRITTEN, lacks_key


def with_supplied_columns(
    connection: duckdb.DuckDBPyConnection, table: str, wanted: Mapping[str, str], query: str
) -> str:
    """The query of a table's rows with the columns that `wanted` names and the rows lack; the same where none is."""
    present = {row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()}
    missing = {name: kind for name, kind in wanted.items() if name not in present}
    if not missing:
        return query
    chosen = "*"
    if lacks_key(table, missing) and UNFILLED in present:
        chosen = f"* REPLACE (CAST(NULL AS {wanted[UNFILLED]}) AS {UNFILLED})"
    supplied = ", ".join(
        f"CAST({UNWRITTEN.get((table, name), 'NULL')} AS {kind}) AS {name}" for name, kind in missing.items()
    )
    return f"SELECT {chosen}, {supplied} FROM ({query})"  # noqa: S608 - our names
