"""How each table looks: the statement that makes it, its columns, and a mark that tells schemas apart.

The statements are in `core/tables.sql`, those of tables that only a generation has in `publishing/tables.sql`.
"""

import hashlib
import json
import re
from functools import cache

import duckdb

from circleci_cost.database import connect
from circleci_cost.warehouse.core.statements import sql

_WAREHOUSE = "core/tables"
_CREATE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+) \(\n.*?^\);$", re.MULTILINE | re.DOTALL)


@cache
def statements() -> dict[str, str]:
    """The statement that makes each table, by the table's name."""
    return {match[1]: match[0] for name in (_WAREHOUSE, "publishing/tables") for match in _CREATE.finditer(sql(name))}


def make_temporary(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make an empty table that one connection alone sees, whatever else has its name."""
    connection.execute(statements()[table].replace("CREATE TABLE IF NOT EXISTS", "CREATE TEMPORARY TABLE", 1))


@cache
def warehouse_tables() -> tuple[str, ...]:
    """The names of the tables that the warehouse has; a generation has two more."""
    return tuple(match[1] for match in _CREATE.finditer(sql(_WAREHOUSE)))


@cache
def columns() -> dict[str, dict[str, str]]:
    """The columns of each table and their types."""
    with connect() as connection:
        for statement in statements().values():
            connection.execute(statement)
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal "
            "ORDER BY table_name, column_index"
        ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind in rows:
        tables.setdefault(table, {})[name] = kind
    return tables


@cache
def schema_mark(table: str) -> str:
    """A mark of a table's columns and types: files with another mark were written by another version."""
    return hashlib.sha256(json.dumps(columns()[table]).encode()).hexdigest()[:12]
