"""The blocking checks count what was really written: what damages it in between fails the run and stops what follows.

The damage is done below the package: in Polars' writer of Parquet, and in DuckDB's tables.
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost_tests.pipeline.harness import Site, checks, initech, running
from circleci_cost_tests.pipeline.scenarios import scenario

DAY = date(2024, 3, 9)
ASSETS = ["job_runs", "daily_costs", "published"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The exports of one day, from which each test makes all the rest."""
    with running(tmp_path_factory.mktemp("exported"), initech(), scenario(8.0)) as site:
        site.materialize(["pricing_periods", "usage_exports"], "initech", DAY, DAY)
        yield site


def failed_check(site: Site) -> tuple[str, str]:
    """Run everything after the exports: the one blocking check that fails, and what it says."""
    result = site.run("refresh", "initech", DAY, DAY, only=ASSETS, fails=True)
    ((name, found),) = ((name, each) for name, each in checks(result).items() if each.blocking and not each.passed)
    made = [key for key in ASSETS if result.asset_materializations_for_node(key)]
    assert made == ASSETS[: ASSETS.index(found.asset_key.to_user_string()) + 1]
    assert not (site.lake.published / "current.json").exists()
    return name, str(found.description)


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows.head(2)])


def _tomorrow(rows: pl.DataFrame) -> pl.DataFrame:
    first = pl.int_range(pl.len()) == 0
    return rows.with_columns(job_run_date=pl.when(first).then(date(2024, 3, 10)).otherwise("job_run_date"))


def _of_another_center(rows: pl.DataFrame) -> pl.DataFrame:
    """Whose rows they are stands in the file's footer."""
    return rows


def _one_credit_less(rows: pl.DataFrame) -> pl.DataFrame:
    less = pl.when(pl.int_range(pl.len()) == 0).then(1).otherwise(0).cast(rows.schema["total_credits"])
    return rows.with_columns(total_credits=pl.col("total_credits") - less)


@pytest.mark.parametrize(
    ("damage", "check", "sentence"),
    [
        (_twice, "each_job_once", "2 rows repeat a JOB_ID"),
        (_tomorrow, "jobs_in_their_partition", "1 row is in another day's file"),
        (_of_another_center, "jobs_in_their_partition", "rows are in another day's file"),
        (_one_credit_less, "credits_complete", "charge types miss -1.000000 credits"),
    ],
)
def test_damaged_files_of_job_runs_stop_the_run_before_anything_is_priced(
    exported: Site,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[pl.DataFrame], pl.DataFrame],
    check: str,
    sentence: str,
) -> None:
    write = pl.DataFrame.write_parquet

    def damaging(self: pl.DataFrame, file: Any, **options: Any) -> None:
        if damage is _of_another_center and "metadata" in options:
            options["metadata"] = {key: text.replace("initech", "hooli") for key, text in options["metadata"].items()}
        write(damage(self) if Path(file).parts[-4] == "job_runs" else self, file, **options)

    monkeypatch.setattr(pl.DataFrame, "write_parquet", damaging)
    name, said = failed_check(exported)
    assert name == check
    assert sentence in said


@pytest.mark.parametrize(
    ("damage", "check", "sentence"),
    [
        ("credits = credits + 1", "credits_equal_job_runs", "credits too many in daily_costs"),
        ("compute_cost_usd = compute_cost_usd + 1", "charge_types_add_up", "USD are in no charge type"),
    ],
)
def test_damaged_costs_stop_the_run_before_anything_is_published(
    exported: Site, monkeypatch: pytest.MonkeyPatch, damage: str, check: str, sentence: str
) -> None:
    execute = duckdb.DuckDBPyConnection.execute

    def damaging(self: duckdb.DuckDBPyConnection, query: Any, *arguments: Any, **options: Any) -> Any:
        result = execute(self, query, *arguments, **options)
        if "INSERT INTO daily_costs" in str(query):
            execute(self, f"UPDATE daily_costs SET {damage}")
        return result

    monkeypatch.setattr(duckdb.DuckDBPyConnection, "execute", damaging)
    name, said = failed_check(exported)
    assert name == check
    assert sentence in said
