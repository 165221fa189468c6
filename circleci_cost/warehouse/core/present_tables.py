"""Whether a connection sees a table, as a table or as a view of its files."""

import duckdb

_PRESENT = """
SELECT 1 FROM duckdb_tables() WHERE table_name = $table AND NOT temporary
UNION ALL
SELECT 1 FROM duckdb_views() WHERE view_name = $table AND NOT temporary AND NOT internal
"""


def is_present(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether there is a table or view of this name; temporary ones do not count."""
    return bool(connection.execute(_PRESENT, {"table": table}).fetchall())
