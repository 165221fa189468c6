"""The files of job runs as other engines read them, and as files of earlier versions stand among them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from circleci_cost.lake.days import METADATA_KEY, read_day, read_exports, write_day
from circleci_cost.lake.job_run_files import JOB_RUN_FILES, JOB_RUN_FILES_BY_NAME
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.verification import Verification, verify_job_runs
from circleci_cost.model.usage.schema import FILE_SCHEMA
from circleci_cost_tests.model.usage.builders import job_id, record

from .builders import CENTER, day, days, ingest, land_rows, stored

OTHER = "globex"
# Credits, jobs and names of each cost center, whoever counts them.
COUNTED = [(CENTER, 6, Decimal("252.000006"), 2), (OTHER, 3, Decimal("126.000003"), 1)]
PRICE = "CAST(0.0006 AS DECIMAL(18, 10))"
COST = f"total_credits * {PRICE}"
COSTS = [(CENTER, Decimal("0.1512000036000000")), (OTHER, Decimal("0.0756000018000000"))]


@pytest.fixture
def two_centers(lake: Lake) -> Lake:
    """Two days of one cost center and one of another, three jobs each."""
    rows = [
        record(job, JOB_RUN_DATE=str(day(1 + job // 4)), JOB_NAME=f"job {job // 4}", TOTAL_CREDITS="42.000001")
        for job in range(1, 7)
    ]
    land_rows(lake, rows, day(1), day(2))
    ingest(lake, days(1, 2))
    first = read_day(lake, CENTER, day(1))
    assert first is not None
    write_day(lake, replace(first, cost_center=OTHER))
    return lake


def as_an_earlier_version_wrote_it(lake: Lake, of: date) -> None:
    """Write a day's file with the cost center as a column, categories and DECIMAL(18,6)."""
    path = lake.job_runs_file(CENTER, of)
    rows = stored(lake, of).with_columns(
        pl.selectors.by_dtype(pl.String).exclude("job_id", "pipeline_id", "workflow_id").cast(pl.Categorical),
        pl.selectors.decimal().cast(pl.Decimal(18, 6)),
    )
    rows = rows.select(pl.lit(CENTER).cast(pl.Categorical).alias("cost_center"), pl.all())
    exports = ", ".join(f'"{name}": "{at.isoformat()}"' for name, at in read_exports(path).items())
    rows.write_parquet(path, metadata={METADATA_KEY: f'{{"exports": {{{exports}}}}}'})


def test_a_file_tells_no_engine_of_dictionaries_or_of_its_cost_center(two_centers: Lake) -> None:
    schema = pq.read_schema(two_centers.job_runs_file(CENTER, day(1)))
    assert schema.names == list(FILE_SCHEMA)
    text = [name for name, dtype in FILE_SCHEMA.items() if dtype in (pl.Categorical, pl.String)]
    assert {str(schema.field(name)) for name in text} == {f"pyarrow.Field<{name}: string>" for name in text}
    assert all(field.metadata is None for field in schema)
    assert str(schema.field("total_credits").type) == "decimal128(19, 6)"
    again = pl.read_parquet(two_centers.job_runs_file(CENTER, day(1)), hive_partitioning=False)
    assert again.schema["project_name"] == pl.String()


def by_duckdb(folder: Path) -> list[tuple[object, ...]]:
    return duckdb.execute(
        f"SELECT cost_center, count(*), sum(total_credits), count(DISTINCT job_name) "
        f"FROM read_parquet('{folder}/*/*/*.parquet') GROUP BY ALL ORDER BY 1"
    ).fetchall()


def by_polars(folder: Path) -> list[tuple[object, ...]]:
    rows = pl.scan_parquet(folder, hive_partitioning=True).group_by("cost_center").agg(
        pl.len(), pl.col("total_credits").sum(), pl.col("job_name").n_unique()
    )  # fmt: skip
    return rows.sort("cost_center").collect().rows()


def by_pyarrow(folder: Path) -> list[tuple[object, ...]]:
    counted = (
        ds.dataset(folder, partitioning="hive")
        .to_table(columns=["cost_center", "total_credits", "job_name"])
        .group_by("cost_center")
        .aggregate([([], "count_all"), ("total_credits", "sum"), ("job_name", "count_distinct")])
        .sort_by("cost_center")
    )
    return [tuple(row.values()) for row in counted.to_pylist()]


@pytest.mark.parametrize("count", [by_duckdb, by_polars, by_pyarrow])
def test_engines_that_discover_the_partitions_count_the_same(
    two_centers: Lake, count: Callable[[Path], list[tuple[object, ...]]]
) -> None:
    assert count(two_centers.root / "job_runs") == COUNTED


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_connect_reads_the_files_and_prices_them_to_the_last_digit(two_centers: Lake) -> None:
    server_of = pytest.importorskip("pysail.spark", reason="needs pysail, a Spark Connect server")
    sql = pytest.importorskip("pyspark.sql", reason="needs pyspark-client")
    pytest.importorskip("circleci_cost.engines.channel")
    server = server_of.SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    session = sql.SparkSession.builder.remote("sc://{}:{}".format(*server.listening_address)).create()
    try:
        folder = two_centers.root / "job_runs"
        for found in (f"{folder}", f"{folder}/*", f"{folder}/**/*.parquet"):
            session.read.parquet(found).createOrReplaceTempView("job_runs")
            counted = session.sql(
                "SELECT cost_center, count(*), sum(total_credits), count(DISTINCT job_name) FROM job_runs "
                "GROUP BY cost_center ORDER BY cost_center"
            )
            assert [tuple(row) for row in counted.collect()] == COUNTED
            costs = session.sql(
                f"SELECT cost_center, sum({COST}), typeof(min({COST})) FROM job_runs GROUP BY 1 ORDER BY 1"
            )
            assert [tuple(row) for row in costs.collect()] == [(*cost, "decimal(38,16)") for cost in COSTS]
    finally:
        session.stop()
        server.stop()


@pytest.mark.parametrize("table", [JOB_RUN_FILES, JOB_RUN_FILES_BY_NAME])
@pytest.mark.parametrize("old", [[1], [2], [1, 2]], ids=str)
def test_files_of_an_earlier_version_are_read_with_those_of_this_one(
    two_centers: Lake, table: str, old: list[int]
) -> None:
    for number in old:
        as_an_earlier_version_wrote_it(two_centers, day(number))
    assert "cost_center" in pq.read_schema(two_centers.job_runs_file(CENTER, day(old[0]))).names
    files = [str(path) for path in sorted((two_centers.root / "job_runs").glob("*/*/*.parquet"))]
    rows = duckdb.execute(
        f"SELECT cost_center, count(*), sum(total_credits), count(DISTINCT job_name) FROM {table} "
        "GROUP BY ALL ORDER BY 1",
        {"files": files},
    ).fetchall()
    assert rows == COUNTED
    expected = Verification(6, 6, 0, 0, Decimal("252.000006"), Decimal("252.000006"))
    assert verify_job_runs(two_centers, CENTER, days(1, 2)) == expected


def test_a_cost_center_that_is_called_like_a_number_stays_a_name(two_centers: Lake) -> None:
    first = read_day(two_centers, CENTER, day(1))
    assert first is not None
    write_day(two_centers, replace(first, cost_center="007"))
    files = [str(two_centers.job_runs_file("007", day(1)))]
    assert duckdb.execute(f"SELECT DISTINCT cost_center FROM {JOB_RUN_FILES}", {"files": files}).fetchall() == [
        ("007",)
    ]


def test_a_file_of_another_cost_center_is_counted_as_foreign(two_centers: Lake) -> None:
    copied = two_centers.job_runs_file(OTHER, day(1)).read_bytes()
    two_centers.job_runs_file(CENTER, day(2)).write_bytes(copied)
    counted = verify_job_runs(two_centers, CENTER, days(1, 2))
    assert (counted.jobs, counted.distinct_jobs, counted.misplaced_jobs, counted.foreign_jobs) == (6, 3, 3, 3)


def test_a_later_export_of_a_day_of_an_earlier_version_records_what_changed_only(two_centers: Lake) -> None:
    as_an_earlier_version_wrote_it(two_centers, day(1))
    rows = [record(job, JOB_NAME="job 0", TOTAL_CREDITS="42.000001") for job in (1, 2)]
    land_rows(two_centers, [*rows, record(3, JOB_NAME="job 0", TOTAL_CREDITS="43")], export_id="export-2", hours=1)
    (change,) = ingest(two_centers).restatements().iter_rows(named=True)
    assert (change["jobs_added"], change["jobs_removed"], change["jobs_changed"]) == (0, 0, 1)
    assert change["credits_changed"] == Decimal("0.999999")
    assert "cost_center" not in pq.read_schema(two_centers.job_runs_file(CENTER, day(1))).names


def test_a_job_leaves_a_day_of_an_earlier_version_when_it_has_moved(two_centers: Lake) -> None:
    as_an_earlier_version_wrote_it(two_centers, day(1))
    land_rows(two_centers, [record(1, JOB_RUN_DATE=str(day(3)))], day(3), day(3), export_id="export-2", hours=1)
    ingest(two_centers, [day(3)])
    left = stored(two_centers, day(1))
    assert (left.columns, left["job_id"].to_list()) == (list(FILE_SCHEMA), [job_id(2), job_id(3)])
