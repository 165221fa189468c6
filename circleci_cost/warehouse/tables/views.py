"""Shows tables of Parquet files to a DuckDB connection: a view each, with this version's columns in any case.

Which files a table has is in the manifests.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from circleci_cost.lake.readable import readable
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.tables.manifests import TableFile
from circleci_cost.warehouse.tables.schemas import columns, schema_mark
from circleci_cost.warehouse.tables.supplied_columns import with_supplied_columns
from circleci_cost.warehouse.tables.table_sets import NEWEST_NAMES

# Beside the view of a table that rows of other tables point to: the same with a column that numbers its rows.
NUMBERED = {"daily_costs": "daily_costs_numbered"}
# A row's place in the files of its view; files have fewer than 2^40 rows.
_NUMBER = "(CAST(file_index AS BIGINT) << 40) + file_row_number AS daily_row"


def make_view(
    connection: duckdb.DuckDBPyConnection, root: Path, table: str, files: Sequence[TableFile], schema: str = "main"
) -> None:
    """Let `connection` read a table of these files, paths relative to `root`, without rows where there is none.

    A view in any case: what is written into it by mistake is an error. Raises what DuckDB raises for files that are
    not there or damaged.
    """
    if not files:
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns()[table].items())
        connection.execute(f"CREATE VIEW {schema}.{table} AS SELECT {empty} LIMIT 0")
        return
    if table in NUMBERED and len({file.columns for file in files}) > 1:
        # Several queries give their rows no common numbers; a table does. `reprice` makes the files alike.
        connection.execute(f"CREATE TABLE {schema}.{table} AS {rows_of(connection, root, table, files)}")
        return
    connection.execute(f"CREATE VIEW {schema}.{table} AS {rows_of(connection, root, table, files)}")
    if table in NUMBERED:
        rows = rows_of(connection, root, table, files, numbered=True)
        connection.execute(f"CREATE VIEW {schema}.{NUMBERED[table]} AS {rows}")


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    table: str,
    files: Sequence[TableFile],
    *,
    numbered: bool = False,
) -> str:
    """The query of all rows of these files; `numbered` adds a column `daily_row` to those of one version."""
    by_mark: dict[str, list[TableFile]] = {}
    for file in files:
        by_mark.setdefault(file.columns, []).append(file)
    queries = []
    for mark, alike in by_mark.items():
        query = _read(root, alike, numbered=numbered)
        if mark != schema_mark(table):
            query = with_supplied_columns(connection, table, columns()[table], query)
        queries.append(query)
    query = " UNION ALL BY NAME ".join(queries)
    if table == NEWEST_NAMES:
        query = (
            "SELECT dimension, id, arg_max(name, (named_at, name)) AS name, max(named_at) AS named_at "  # noqa: S608
            f"FROM ({query}) GROUP BY dimension, id"
        )
    return query


def _read(root: Path, files: Iterable[TableFile], *, numbered: bool) -> str:
    paths = ", ".join(map(sql_text, readable((root / file.path for file in files), immutable=True)))
    chosen = f"{_NUMBER}, *" if numbered else "*"
    return f"SELECT {chosen} FROM read_parquet([{paths}], hive_partitioning = false)"  # noqa: S608
