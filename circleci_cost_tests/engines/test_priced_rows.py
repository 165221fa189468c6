"""A Spark Connect server prices as DuckDB does, to the last digit; where it does not, nothing is changed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.engines.failures import EngineError
from circleci_cost.errors import AuthorizationError, CircleciCostError, ExportDataError, TransientSourceError
from circleci_cost.lake.layout import Lake
from circleci_cost_tests.engines.priced_lake import LARGEST, hostile_lake, price, rows, run, server, warehouse, write
from circleci_cost_tests.engines.wire import Wire

_UNCHANGED = "No costs were changed; the next run computes what is missing."


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[date]]:
    return hostile_lake(tmp_path_factory.mktemp("hostile lake é"))


@pytest.fixture
def connection(hostile: tuple[Lake, list[date]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which all days but the last one have a price."""
    days = hostile[1]
    with warehouse(days, days[:-1]) as opened:
        yield opened


def refused(
    connection: duckdb.DuckDBPyConnection, lake: Lake, days: list[date], kind: type[CircleciCostError], engine: object
) -> str:
    """The one sentence of a refusal that changes nothing."""
    before = rows(connection)
    with pytest.raises(kind) as caught, engine as entered:  # type: ignore[attr-defined]
        price(connection, lake, days, entered)
    assert rows(connection) == before
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_every_row_of_hostile_job_runs_is_as_duckdb_has_it(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    by_duckdb = price(connection, lake, days)
    expected = rows(connection)
    connection.execute("DELETE FROM daily_costs")
    with server(spark, lake) as engine:
        assert price(connection, lake, days, engine) == by_duckdb
        assert rows(connection) == expected
    # The two forms of one name are one row; a day without a price has no cost, and an empty day no row.
    one = "SELECT sum(jobs), count(*) FROM daily_costs WHERE job = 'Café' AND branch = 'Café'"
    assert connection.execute(one).fetchall() == [(2, 1)]
    empty = "SELECT date, sum(jobs), sum(cost_usd) FROM daily_costs WHERE date >= ? GROUP BY ALL ORDER BY ALL"
    assert connection.execute(empty, [days[3]]).fetchall() == [
        (days[4], 1, Decimal("0.0009185185500000")),
        (days[5], 1, None),
    ]
    largest = connection.execute("SELECT cost_usd FROM daily_costs WHERE date = ?", [days[1]]).fetchall()
    assert largest == [(LARGEST * 10 * Decimal("0.0006123457"),)]


@pytest.mark.parametrize("by", ["DuckDB", "Spark"])
def test_a_sum_that_cannot_be_priced_exactly_is_refused_by_each_engine(spark: str, tmp_path: Path, by: str) -> None:
    lake, days = hostile_lake(tmp_path)
    write(lake, days[1], [run(days[1], number, compute_credits=LARGEST) for number in range(11)])
    with warehouse(days, days) as connection, server(spark, lake) as engine, pytest.raises(ExportDataError) as caught:
        price(connection, lake, days, engine if by == "Spark" else None)
    assert str(caught.value) == (
        "The runs of job test of project web (acme) on 2026-10-02 used more than 9,999,999,999,999.999999 credits, "
        "which cannot be priced exactly; all costs were left as they were. Correct the file that they came from."
    )
    with warehouse(days, days) as connection:
        assert rows(connection) == []


@pytest.mark.parametrize("by", ["DuckDB", "Spark"])
def test_seconds_that_cannot_be_counted_are_refused_by_each_engine(spark: str, tmp_path: Path, by: str) -> None:
    lake, days = hostile_lake(tmp_path)
    write(lake, days[1], [run(days[1], number, job_run_seconds=2**62) for number in range(2)])
    with warehouse(days, days) as connection, server(spark, lake) as engine, pytest.raises(ExportDataError) as caught:
        price(connection, lake, days, engine if by == "Spark" else None)
    assert str(caught.value).startswith(
        "The job runs of acme from 2026-10-01 to 2026-10-06 took more seconds than can be counted ("
    )


def test_files_that_the_engine_does_not_see_are_noticed_though_it_reads_nothing_in_silence(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    sentence = refused(connection, lake, days, EngineError, server(spark, lake, data_dir="/nowhere/lake"))
    before, what, after = sentence.partition("of acme on 2026-10-01 it read 0 job runs of 26, and 4 days more differ")
    if not what:
        before, what, after = sentence.partition("[PATH_NOT_FOUND] Path does not exist: file:/nowhere/lake/job_runs")
        after = after.partition("data.parquet")[2]
    assert before == f"The engine at {spark} does not see the job runs as they are here: "
    assert after == (
        ". Let it reach the data directory under the same path, or write in [engine] as data_dir where it finds it. "
        f"{_UNCHANGED}"
    )


def test_the_engine_may_see_the_data_directory_elsewhere(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lake, days = hostile
    mounted = tmp_path / "mounted"
    mounted.symlink_to(lake.root)
    with server(spark, lake, data_dir=f"file://{mounted}") as engine:
        assert price(connection, lake, days, engine).jobs == 47


def test_an_engine_that_rounds_is_refused_when_it_is_first_asked(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    """Spark makes DECIMAL(38, 7) of DECIMAL(28, 6) × DECIMAL(18, 10) by default, and rounds."""
    lake, days = hostile
    with Wire(spark, written=b"max(credits * price)", instead=b"max(credits + price)") as wire:
        sentence = refused(connection, lake, days, EngineError, server(wire.url, lake))
        assert wire.met == 1
    assert sentence.startswith(
        f"The engine at {wire.url} does not count exactly: DECIMAL(19, 6) × DECIMAL(18, 10) is "
        "10000099999999.9999989999 as decimal(24,10) there, and 999999999999999998900.0000000000000001 as "
        "decimal(38,16) here. Use another one"
    )


def test_costs_that_are_not_credits_times_price_are_not_written(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    exact, rounded = b"TRY_CAST(summed.credits AS DECIMAL(19, 6))", b"TRY_CAST(summed.credits AS DECIMAL(19, 5))"
    with Wire(spark, written=exact, instead=rounded) as wire:
        sentence = refused(connection, lake, days, EngineError, server(wire.url, lake))
        assert wire.met == 1
    assert "does not count exactly: in 1 row of acme the cost is not credits × price." in sentence


def test_an_engine_that_counts_other_job_runs_changes_nothing(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    written = b"sum(total_credits) AS credits"
    with Wire(spark, written=written, instead=written.replace(b"sum", b"max")) as wire:
        sentence = refused(connection, lake, days, EngineError, server(wire.url, lake))
        assert wire.met == 1
    assert "the job runs of acme on 2026-10-01 come to other sums there" in sentence


def test_a_server_that_is_away_changes_nothing(
    hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    price(connection, lake, days)
    sentence = refused(connection, lake, days, TransientSourceError, server("sc://127.0.0.1:9", lake))
    assert sentence.startswith("The engine at sc://127.0.0.1:9 does not answer (")
    assert "Connection refused" in sentence
    assert sentence.endswith(_UNCHANGED)


def test_a_server_that_dies_in_the_middle_changes_nothing_and_the_next_run_goes_on(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    with Wire(spark, trigger=b"summed.credits", cut=True) as wire:
        sentence = refused(connection, lake, days, TransientSourceError, server(wire.url, lake))
    assert sentence.startswith(f"The engine at {wire.url} does not answer (")
    with server(spark, lake) as engine:
        resumed = price(connection, lake, [], engine)
    assert (resumed.days, resumed.jobs) == (tuple(days), 47)


def test_a_server_that_falls_silent_is_left_at_the_deadline(
    spark: str, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    with Wire(spark, trigger=b"summed.credits") as wire:
        engine = server(wire.url, lake, seconds=1, timeout_minutes=7)
        sentence = refused(connection, lake, days, EngineError, engine)
    assert sentence == (
        f"The engine at {wire.url} took more than 7 minutes for one statement. Give it more machines, or more time by "
        f"timeout_minutes in [engine]. {_UNCHANGED}"
    )


@pytest.mark.skipif("CIRCLECI_COST_SPARK_CONNECT" in os.environ, reason="Apache Spark reads them")
def test_files_of_earlier_versions_that_an_engine_cannot_read_are_named_so(
    spark: str, tmp_path: Path, hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile_lake(tmp_path)
    file = lake.job_runs_file("acme", days[0])
    metadata = pl.read_parquet_metadata(file)
    frame = pl.read_parquet(file).with_columns(pl.col("workflow_name").cast(pl.Categorical))
    frame.write_parquet(file, metadata={"circleci_cost": metadata["circleci_cost"]})
    sentence = refused(connection, lake, days, EngineError, server(spark, lake))
    assert f"The engine at {spark} cannot read job runs of an earlier version (" in sentence
    assert "Materialize job_runs of these days again" in sentence


def test_a_token_comes_from_the_environment_and_is_in_no_message(
    hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection
) -> None:
    lake, days = hostile
    url = "sc://127.0.0.1:9"
    sentence = refused(connection, lake, days, AuthorizationError, server(url, lake, token_env="SPARK_TOKEN"))
    assert sentence == (
        f"The token of the engine at {url} is missing: the environment variable SPARK_TOKEN is not set. Export it, or "
        "put it into .env."
    )
    engine = server(url, lake, token_env="SPARK_TOKEN", with_token=True)
    assert "canary" not in refused(connection, lake, days, TransientSourceError, engine)
    assert "canary" not in repr(engine) + repr(engine.section)


def test_without_the_client_one_sentence_says_how_to_install_it(
    hostile: tuple[Lake, list[date]], connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, days = hostile
    monkeypatch.delitem(sys.modules, "circleci_cost.engines.channel", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    sentence = refused(connection, lake, days, EngineError, server("sc://127.0.0.1:9", lake))
    assert sentence == (
        "The client of Spark Connect is not installed; install it with `pip install pyspark-client`, or leave "
        "[engine] out to price with DuckDB. No costs were changed."
    )


def test_where_duckdb_prices_sparks_client_is_not_loaded() -> None:
    """It takes a second, and is optional."""
    code = "import sys, circleci_cost.warehouse.costs.daily_costs; print('pyspark' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "False\n"
