"""Advice from files of job runs in a lake, as the asset makes it."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.efficiency.class_advice import WINDOW_DAYS, read_advice, write_advice

LAST = date(2026, 11, 27)


def runs(day: date, job: str, number: int, **changes: object) -> list[dict[str, object]]:
    row: dict[str, object] = {
        "cost_center": "acme", "organization_id": "o1", "project_id": "p1", "job_name": job, "executor": "docker",
        "resource_class": "large", "job_run_date": day, "job_run_stopped_at": day, "job_run_seconds": 600,
        "compute_credits": Decimal(200), "parallelism": 1, "job_build_status": "success",
        "median_cpu_utilization_pct": 30.0, "max_cpu_utilization_pct": 40.0, "median_ram_utilization_pct": 10.0,
        "max_ram_utilization_pct": 15.0,
    }  # fmt: skip
    return [row | changes] * number


def written(tmp_path: Path, days: dict[date, list[dict[str, object]]], price: str | None = "0.0006") -> pl.DataFrame:
    lake = Lake(tmp_path)
    with duckdb.connect() as connection:
        make_tables(connection)
        for day, rows in days.items():
            file = lake.job_runs_file("acme", day)
            file.parent.mkdir(parents=True)
            pl.DataFrame(rows, infer_schema_length=None).with_columns(
                pl.col("compute_credits").cast(pl.Decimal(18, 6))
            ).write_parquet(file)
            connection.execute(
                "INSERT INTO usage_days VALUES ('acme', $day, 0, 0, 0, 'e', $day, $day, true, true, NULL, NULL)",
                {"day": day},
            )
            if price:
                connection.execute(
                    "INSERT INTO daily_rates VALUES ('acme', $day, $price)", {"day": day, "price": price}
                )
        write_advice(connection, lake, ())
        return read_advice(connection)


def test_the_runs_of_the_last_four_weeks_count_and_no_older_ones(tmp_path: Path) -> None:
    days = {LAST - timedelta(days=back): runs(LAST - timedelta(days=back), "test", 3) for back in range(40)}
    days[LAST] += runs(LAST, "test", 1, job_run_stopped_at=None) + runs(LAST, "test", 1, executor="runner")
    advice = written(tmp_path, days)
    medium = advice.row(by_predicate=pl.col("candidate") == "medium", named=True)
    assert (medium["first_day"], medium["last_day"]) == (LAST - timedelta(days=WINDOW_DAYS - 1), LAST)
    assert (medium["runs"], medium["compute_credits"]) == (84, Decimal(84 * 200))
    assert medium["compute_cost_usd"] == Decimal(84 * 200) * Decimal("0.0006")
    assert (medium["success_rate"], medium["unsampled_share"], medium["cpu_median"]) == (1.0, 0.0, 30.0)
    assert (medium["organization"], medium["project"], medium["advice"]) == ("o1", "p1", "move")


def test_a_change_of_class_leaves_the_former_class_out_after_three_days(tmp_path: Path) -> None:
    days = {}
    for back in range(28):
        day = LAST - timedelta(days=back)
        days[day] = runs(day, "test", 9, resource_class="medium" if back < 3 else "large")
        days[day] += runs(day, "test", 1)
    advice = written(tmp_path, days)
    assert set(advice["resource_class"]) == {"medium"}


@pytest.mark.parametrize("memory", [None, 0.0])
def test_runs_whose_memory_is_not_known_are_no_samples(tmp_path: Path, memory: float | None) -> None:
    unknown = {"median_ram_utilization_pct": memory, "max_ram_utilization_pct": memory}
    advice = written(tmp_path, {LAST: runs(LAST, "test", 50, **unknown)})
    assert set(advice["advice"]) == {"refused"}
    assert "too few samples: 0 of 50 runs have any" in advice["reason"][0]


def test_without_job_runs_there_is_no_advice(tmp_path: Path) -> None:
    assert written(tmp_path, {}).is_empty()


def test_a_price_of_zero_saves_no_dollars_but_credits(tmp_path: Path) -> None:
    advice = written(tmp_path, {LAST: runs(LAST, "test", 50)}, price="0")
    best = advice.row(by_predicate=pl.col("best"), named=True)
    assert (best["saving_usd"], best["compute_cost_usd"]) == (0, 0)
    assert best["saving_credits"] > 0
