"""Lets this version read generations that an earlier one published: columns that they lack are supplied.

Tables that they lack stay missing: whoever needs one says which command makes it.
"""

import duckdb

from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.tables.schemas import columns
from circleci_cost.warehouse.tables.supplied_columns import with_supplied_columns


def supply_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Give each table of a generation this version's columns, by a temporary view that hides the table of its name."""
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    for table, rows in rows_with_columns(connection, database).items():
        connection.execute(f"CREATE TEMPORARY VIEW {table} AS {rows}")


def rows_with_columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, str]:
    """The tables of an attached generation that lack columns, each with the query that supplies them."""
    connection.execute(sql("core/macros"))
    names = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND database_name = $database ORDER BY ALL",
        {"database": database},
    ).fetchall()
    queries = {}
    for table in sorted({name for (name,) in names} & columns().keys()):
        rows = f'SELECT * FROM "{database}".{table}'  # noqa: S608 - our names
        supplied = with_supplied_columns(connection, table, columns()[table], rows)
        if supplied != rows:
            queries[table] = supplied
    return queries
