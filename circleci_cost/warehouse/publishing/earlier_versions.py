"""Lets this version read generations that an earlier one published: columns that they lack are supplied.

Tables that they lack stay missing: whoever needs one says which command makes it.
"""

import duckdb

from circleci_cost.database import connect
from circleci_cost.warehouse.core.added_columns import UNFILLED, UNWRITTEN, lacks_key
from circleci_cost.warehouse.core.statements import sql


def supply_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Give each table of a generation this version's columns, by a temporary view that hides the table of its name."""
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    for table, rows in rows_with_columns(connection, database).items():
        connection.execute(f"CREATE TEMPORARY VIEW {table} AS {rows}")


def rows_with_columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, str]:
    """The tables of an attached generation that lack columns, each with the query that supplies them."""
    connection.execute(sql("core/macros"))
    columns = _columns(connection, database)
    with connect() as scratch:
        scratch.execute(sql("core/macros"))
        scratch.execute(sql("core/tables"))
        ((today_database,),) = scratch.execute("SELECT current_database()").fetchall()
        today = _columns(scratch, today_database)
    queries = {}
    for table in columns.keys() & today.keys():
        missing = {name: kind for name, kind in today[table].items() if name not in columns[table]}
        present = "*"
        if lacks_key(table, missing) and UNFILLED in columns[table]:
            present = f"* REPLACE (CAST(NULL AS {today[table][UNFILLED]}) AS {UNFILLED})"
        if missing:
            supplied = ", ".join(
                f"CAST({UNWRITTEN.get((table, name), 'NULL')} AS {kind}) AS {name}" for name, kind in missing.items()
            )
            queries[table] = f'SELECT {present}, {supplied} FROM "{database}".{table}'  # noqa: S608 - our names
    return queries


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND database_name = $database ORDER BY ALL",
        {"database": database},
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind in rows:
        tables.setdefault(table, {})[name] = kind
    return tables
