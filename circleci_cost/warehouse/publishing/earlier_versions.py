"""Generations that an earlier version published, read as this version's own: columns that it did not have are supplied.

Tables that it did not have stay missing: whoever needs one says which command brings it.
"""

import duckdb

from circleci_cost.warehouse.core.added_columns import UNWRITTEN
from circleci_cost.warehouse.core.statements import sql


def supply_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Let each table of a generation have the columns of today, as a temporary view before the table of its name."""
    connection.execute(sql("core/macros"))
    there = _columns(connection)
    with duckdb.connect() as present:
        present.execute(sql("core/macros"))
        present.execute(sql("core/tables"))
        today = _columns(present)
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    for table in there.keys() & today.keys():
        supplied = [
            f"CAST({UNWRITTEN.get((table, name), 'NULL')} AS {kind}) AS {name}"
            for name, kind in today[table].items()
            if name not in there[table]
        ]
        if supplied:
            connection.execute(
                f'CREATE TEMPORARY VIEW {table} AS SELECT *, {", ".join(supplied)} FROM "{database}".{table}'  # noqa: S608 - our names
            )


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    found = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind in found:
        tables.setdefault(table, {})[name] = kind
    return tables
