"""Prices job runs by the one portable statement: in DuckDB, or by an engine whose answer is checked against the files.

Which days are priced, and what else belongs to their costs, is `daily_costs`' job.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb

from circleci_cost.engines.failures import inexact, unseen
from circleci_cost.engines.spark_connect import ParquetFiles, SparkConnect
from circleci_cost.errors import ExportDataError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.dimensions import STORED_DIMENSIONS
from circleci_cost.text.units import counted
from circleci_cost.warehouse.core.day_batches import batches
from circleci_cost.warehouse.core.full_refresh import unregister
from circleci_cost.warehouse.core.statements import one_row, sql

# 15 million job runs come to half a million rows, which take 250 MB on their way.
_BYTES_AT_ONCE = 1024 * 1024 * 1024
_MOST_CREDITS = "9,999,999,999,999.999999"
_DECIMAL = "DECIMAL"
# What the statement reads, and as what; the cost center is the caller's.
_COLUMNS = {
    "job_run_date": "DATE",
    **{
        each.id_column or each.source: "BIGINT" if each.source == "parallelism" else "STRING"
        for each in STORED_DIMENSIONS[1:]
    },
    "is_unregistered_user": "BOOLEAN",
    "job_run_stopped_at": "TIMESTAMP_NTZ",
    "job_run_seconds": "BIGINT",
    **{f"{name}_credits": f"{_DECIMAL}(19, 6)" for name in (*CHARGE_TYPES, "total")},
}


def price_job_runs(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    cost_center: str,
    days: Sequence[date],
    engine: SparkConnect | None = None,
) -> None:
    """Insert the daily costs of these days, all of which have job runs, in the caller's transaction.

    Raises `ExportDataError` for sums that cannot be priced exactly, and what `SparkConnect.answer` raises.
    """
    try:
        if engine is None:
            files = readable(lake.job_runs_file(cost_center, day) for day in days)
            connection.execute(sql("costs/daily_costs"), {"files": files, "cost_center": cost_center})
        else:
            for some in batches(days, lambda day: lake.job_runs_file(cost_center, day).stat().st_size, _BYTES_AT_ONCE):
                _insert_answer(connection, lake, cost_center, some, engine)
    except duckdb.ConversionException as error:
        raise ExportDataError(
            f"The job runs of {cost_center} from {days[0]} to {days[-1]} took more seconds than can be counted "
            f"({str(error).splitlines()[0]}); their costs were left as they were. Correct the file that they came from."
        ) from None
    refuse_inexact(connection, cost_center, days)


def refuse_inexact(connection: duckdb.DuckDBPyConnection, cost_center: str, days: Sequence[date]) -> None:
    """Raise `ExportDataError` where the credits of a row of these days cannot be priced exactly."""
    parameters = {"cost_center": cost_center, "days": list(days)}
    for day, project, job in connection.execute(sql("costs/too_large"), parameters).fetchall():
        raise ExportDataError(
            f"The runs of job {job} of project {project} ({cost_center}) on {day} used more than {_MOST_CREDITS} "
            "credits, which cannot be priced exactly; all costs were left as they were. Correct the file that they "
            "came from."
        )


def _insert_answer(
    connection: duckdb.DuckDBPyConnection, lake: Lake, cost_center: str, days: Sequence[date], engine: SparkConnect
) -> None:
    paths = [lake.job_runs_file(cost_center, day) for day in days]
    # The engine reads them where they are; here, those of an object store are copies.
    files = dict(zip(readable(paths), map(str, paths), strict=True))
    rates = connection.sql(
        "SELECT date, price_per_credit FROM daily_rates WHERE cost_center = $cost_center AND date IN $days",
        params={"cost_center": cost_center, "days": list(days)},
    ).to_arrow_table()
    rows = engine.answer(sql("costs/priced_job_runs"), _with_columns(connection, files), _COLUMNS, {"rates": rates})
    connection.register("engine_rows", rows)
    try:
        _refuse_differences(connection, cost_center, list(files), engine)
        connection.execute(sql("costs/engine_costs"), {"cost_center": cost_center})
    finally:
        unregister(connection, "engine_rows")


def _with_columns(connection: duckdb.DuckDBPyConnection, files: Mapping[str, str]) -> list[ParquetFiles]:
    """The files by the columns that they have: those of earlier versions lack some, or have them in another width.

    In: where each file is read here, and the path or address that it has in the data directory.
    """
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    parameters = {"files": list(files), "names": list(_COLUMNS)}
    for file, columns in connection.execute(sql("costs/engine_columns"), parameters).fetchall():
        kinds = tuple(
            (name, f"{_DECIMAL}({columns[name]}, 6)" if kind.startswith(_DECIMAL) else kind)
            for name, kind in _COLUMNS.items()
            if name in columns
        )
        groups.setdefault(kinds, []).append(files[file])
    return [ParquetFiles(tuple(paths), dict(columns)) for columns, paths in groups.items()]


def _refuse_differences(
    connection: duckdb.DuckDBPyConnection, cost_center: str, files: Sequence[str], engine: SparkConnect
) -> None:
    """Raise `EngineError` where the engine's rows are not those of the files, digit by digit."""
    for day, answered, held, answered_credits, held_credits, days in connection.execute(
        sql("costs/engine_differences"), {"files": list(files)}
    ).fetchall():
        what = f"of {cost_center} on {day} it read {counted(answered, 'job run')} of {held:,}"
        if answered == held:
            credits = f"{answered_credits} credits, and {held_credits} here"
            what = f"the job runs of {cost_center} on {day} come to other sums there ({credits})"
        raise unseen(engine.section, what if days == 1 else f"{what}, and {counted(days - 1, 'day')} more differ")
    (mistakes,) = one_row(connection, sql("costs/engine_mistakes"), {"cost_center": cost_center})
    if mistakes:
        raise inexact(engine.section, f"in {counted(mistakes, 'row')} of {cost_center} the cost is not credits × price")
