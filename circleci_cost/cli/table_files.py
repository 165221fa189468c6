"""One published table as Parquet or CSV files in a folder of its own."""

from datetime import date, timedelta
from pathlib import Path

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.lake.files import fsync_file
from circleci_cost.text.csv_text import safe_cell_sql
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.publishing.generations import TABLES
from circleci_cost.warehouse.tables.table_sets import MONTHLY_ORDER

_DATED = ("usage_days", "daily_rates", "usage_restatements")


def write_table_files(
    connection: duckdb.DuckDBPyConnection, table: str, folder: Path, form: str, days: DayRange
) -> int:
    """Write the rows of `days` (all rows of a table without days) and return their number."""
    if table not in TABLES:
        raise ValueError(f"{table} is no published table")
    folder.mkdir()
    if table not in MONTHLY_ORDER:
        dated = " WHERE date BETWEEN $first AND $last" if table in _DATED else ""
        return _write(connection, f"SELECT * FROM {table}{dated} ORDER BY ALL", folder / table, form, days)  # noqa: S608
    written = 0
    query = f"SELECT * FROM {table} WHERE date BETWEEN $first AND $last ORDER BY {MONTHLY_ORDER[table]}"  # noqa: S608
    for month in _months(connection, days):
        last_of_month = (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        within = DayRange(max(month, days.first), min(last_of_month, days.last))
        written += _write(connection, query, folder / f"{month:%Y-%m}", form, within)
    return written


def _months(connection: duckdb.DuckDBPyConnection, days: DayRange) -> list[date]:
    query = (
        "SELECT DISTINCT CAST(date_trunc('month', date) AS DATE) AS month FROM daily_costs "
        "WHERE date BETWEEN $first AND $last ORDER BY month"
    )
    rows = connection.execute(query, {"first": days.first, "last": days.last}).fetchall()
    return [month for (month,) in rows]


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, form: str, days: DayRange) -> int:
    parameters = {"first": days.first, "last": days.last} if "$first" in query else {}
    target = path.with_name(f"{path.name}.{form}")
    if form == "parquet":
        connection.sql(query, params=parameters).write_parquet(str(target), compression="zstd")
        count_rows = "SELECT count(*) FROM read_parquet($path)"
        ((count,),) = connection.execute(count_rows, {"path": str(target)}).fetchall()
    else:
        count = _write_csv(connection, query, parameters, target)
    fsync_file(target)
    return int(count)


def _write_csv(connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, date], target: Path) -> int:
    """Let DuckDB write all of it: exact decimals, every text in quotes, nulls as empty cells without quotes."""
    columns = connection.execute(f"DESCRIBE {query}", parameters).fetchall()
    texts = [f'"{name}"' for name, kind, *_ in columns if kind == "VARCHAR"]
    safe = ", ".join(f"{safe_cell_sql(name)} AS {name}" for name in texts)
    replaced = f"SELECT * REPLACE ({safe}) FROM ({query})" if texts else query  # noqa: S608
    quoted = f", FORCE_QUOTE ({', '.join(texts)})" if texts else ""
    rows = connection.execute(
        f"COPY ({replaced}) TO {sql_text(str(target))} (FORMAT csv, HEADER{quoted})",
        parameters,
    ).fetchone()
    return int(rows[0]) if rows else 0
