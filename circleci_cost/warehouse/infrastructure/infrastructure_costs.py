"""Writes `infrastructure_costs` from what the files of its sources hold, and reads it.

The present files of a source are complete from the first day they reach back to: what they no longer hold is removed,
what two of them hold is added up. Charges that begin before that day stay as they were read last, so that files may be
rotated away. The days of a source that is no longer configured are removed with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import polars as pl

from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.infrastructure import SourceFiles, SourceProblem
from circleci_cost.lake.infrastructure_reading import KnownFile
from circleci_cost.lake.infrastructure_state import InfrastructureState, Refusal
from circleci_cost.model.infrastructure.facts import left_out_of
from circleci_cost.model.infrastructure.rates import rates_on
from circleci_cost.warehouse.core.full_refresh import unregister
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import transaction

_TABLES = ("infrastructure_file_costs", "infrastructure_files", "infrastructure_costs")


@dataclass(frozen=True)
class SourceSummary:
    """What was done for one source. `through` is its newest day, `rates_through` that of each currency's rates.

    `superseded` of its files do not count, as newer deliveries hold what they do; `vanished` are the paths of files
    that are no longer there. `categories` are what was left out: category, rows and amounts. `remarks` are sentences
    for the user.
    """

    source: str
    files: int
    read: int
    superseded: int
    left_out: int
    categories: tuple[tuple[str, int, str], ...]
    remarks: tuple[str, ...]
    spread: int
    vanished: tuple[str, ...]
    through: date | None
    rates_through: Mapping[str, date]


@dataclass(frozen=True)
class InfrastructureSummary:
    """What is in the table now.

    `providers` [source × provider] has days, first_date, last_date, services and cost_usd; `repeated` [source ×
    path × other_path] counts the `days` whose costs both files hold, `first` being the first one.
    """

    rows: int
    days: int
    sources: tuple[SourceSummary, ...]
    problems: tuple[SourceProblem, ...]
    providers: pl.DataFrame
    repeated: pl.DataFrame


def known_files(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, KnownFile]]:
    """The files as they were read last, by source and path."""
    with transaction(connection):
        rows = connection.execute(
            "SELECT source, path, sha256, version, read_as, rows, left_out, spread, first_date, last_date "
            "FROM infrastructure_files"
        ).fetchall()
    by_source: dict[str, dict[str, KnownFile]] = {}
    for source, *columns in rows:
        file = KnownFile(*columns)
        by_source.setdefault(source, {})[file.path] = file
    return by_source


def write_infrastructure(
    connection: duckdb.DuckDBPyConnection, read: Sequence[SourceFiles | SourceProblem], at: datetime
) -> InfrastructureSummary:
    """Bring the tables up to date with what was read of all configured sources.

    Each source is replaced in one transaction, or stays as it was where it has a problem, a missing exchange rate
    included.
    """
    named = [result.source.name if isinstance(result, SourceFiles) else result.source for result in read]
    with transaction(connection):
        for table in _TABLES:
            others = f"DELETE FROM {table} WHERE NOT list_contains(CAST($named AS VARCHAR[]), source)"  # noqa: S608 - our names
            connection.execute(others, {"named": named})
    summaries, problems = [], [result for result in read if isinstance(result, SourceProblem)]
    for files in read:
        if isinstance(files, SourceFiles):
            try:
                with transaction(connection):
                    summaries.append(_replace(connection, files, at))
            except CircleciCostError as error:
                problems.append(SourceProblem(files.source.name, error))
    with transaction(connection):
        rows, days = one_row(connection, "SELECT count(*), count(DISTINCT date) FROM infrastructure_costs")
        providers = connection.sql(sql("infrastructure/providers")).pl()
        repeated = connection.sql(sql("infrastructure/repeated_days")).pl()
    return InfrastructureSummary(rows, days, tuple(summaries), tuple(problems), providers, repeated)


def next_state(
    state: InfrastructureState, read: Sequence[SourceFiles | SourceProblem], summary: InfrastructureSummary
) -> InfrastructureState:
    """The state to keep after a reading; a source with a problem keeps what was noticed before."""
    refused = {problem.source for problem in summary.problems}
    done = [result for result in read if isinstance(result, SourceFiles) and result.source.name not in refused]
    former = {name: files for name, files in state.files.items() if name in refused}
    return InfrastructureState(
        files={**former, **{files.source.name: files.facts for files in done}},
        manifests={files.source.name: files.manifests for files in done if files.manifests},
        refusals=tuple(
            Refusal(source=problem.source, sentence=str(problem.error), exit_code=problem.error.exit_code)
            for problem in summary.problems
        ),
        remarks={files.source.name: files.remarks for files in done if files.remarks},
    )


def infrastructure_series(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Daily costs in USD to compare with CI's: `series`, `date`, `cost` (a float, for statistics).

    A series is `source · service`, with the provider between where a source has several, and, where a service has
    several of them, `… · sub account` and `… · tag = value` too. A series begins with its first cost; a day on which
    its source has other costs only is 0, a day on which it has none is missing. The newest day of a source is left
    out: it may still grow.
    """
    exact = connection.sql(sql("infrastructure/series"))
    series: pl.DataFrame = exact.project("series, date, CAST(cost AS DOUBLE) AS cost").pl()
    return series


def _replace(connection: duckdb.DuckDBPyConnection, files: SourceFiles, at: datetime) -> SourceSummary:
    source, present = files.source.name, files.present
    before = connection.execute("SELECT path FROM infrastructure_files WHERE source = $source", {"source": source})
    vanished = {path for (path,) in before.fetchall()} - {file.path for file in present}
    _replace_file_costs(connection, files)
    connection.execute("DELETE FROM infrastructure_files WHERE source = $source", {"source": source})
    _insert(connection, "infrastructure_files", _file_rows(source, present, at))
    through = max((file.last for file in present if file.last), default=None)
    _add_up(connection, files, through)
    foreign = files.rates.group_by("currency").agg(pl.col("date").max())
    return SourceSummary(
        source=source,
        files=len(present),
        read=len(files.read),
        superseded=files.superseded,
        categories=tuple(left_out_of(file.counted for file in files.facts.values() if not file.superseded)),
        remarks=files.remarks,
        left_out=sum(file.left_out for file in present),
        spread=sum(file.spread for file in present),
        vanished=tuple(sorted(vanished)),
        through=through,
        rates_through=dict(foreign.sort("currency").iter_rows()),
    )


def _replace_file_costs(connection: duckdb.DuckDBPyConnection, files: SourceFiles) -> None:
    source = files.source.name
    first = min((file.first for file in files.present if file.first), default=None)
    unchanged = pl.DataFrame(
        [(file.path, file.sha256) for file in files.unchanged], {"path": pl.String, "sha256": pl.String}, orient="row"
    )
    connection.register("unchanged_files", unchanged)
    try:
        # Without a single charge the files reach back to no day.
        if first is not None:
            connection.execute(sql("infrastructure/replaced"), {"source": source, "first": first})
    finally:
        unregister(connection, "unchanged_files")
    for file, costs in files.read:
        own = {"source": source, "path": file.path, "sha256": file.sha256, "tag": files.source.tag}
        _insert(
            connection,
            "infrastructure_file_costs",
            costs.with_columns(pl.lit(value, pl.String).alias(name) for name, value in own.items()),
        )


def _file_rows(source: str, present: Sequence[KnownFile], at: datetime) -> pl.DataFrame:
    rows = [{"source": source, **vars(file)} for file in present]
    counts = dict.fromkeys(("rows", "left_out", "spread"), pl.Int64())
    schema = {
        **dict.fromkeys(("source", "path", "sha256", "version", "read_as"), pl.String()),
        **counts,
        **dict.fromkeys(("first", "last"), pl.Date()),
    }
    return pl.DataFrame(rows, schema).select(
        "source",
        *("path", "sha256", "version", "read_as"),
        *counts,
        pl.col("first").alias("first_date"),
        pl.col("last").alias("last_date"),
        pl.lit(at.astimezone(UTC).replace(tzinfo=None), pl.Datetime("us")).alias("read_at"),
    )


def _add_up(connection: duckdb.DuckDBPyConnection, files: SourceFiles, through: date | None) -> None:
    parameters = {"source": files.source.name}
    billed = connection.sql(sql("infrastructure/currencies"), params=parameters).pl()
    connection.execute("DELETE FROM infrastructure_costs WHERE source = $source", parameters)
    if billed.is_empty():
        return
    newest = through or billed.get_column("date").max()
    rates = rates_on(files.rates, billed, newest, files.rates_file)
    connection.register("day_rates", rates)
    try:
        connection.execute(sql("infrastructure/infrastructure_costs"), parameters)
    finally:
        unregister(connection, "day_rates")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    connection.register("new_rows", rows)
    try:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM new_rows")  # noqa: S608 - our names
    finally:
        unregister(connection, "new_rows")
