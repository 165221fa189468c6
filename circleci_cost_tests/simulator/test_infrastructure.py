"""The demo's file of infrastructure costs: the same for the same arguments, day by day."""

import gzip
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.config.demo import INFRASTRUCTURE_FILE
from circleci_cost.model.infrastructure.cost_files import read_costs
from circleci_cost.simulator.infrastructure import COUPLED_SERVICE, write_demo_infrastructure
from circleci_cost_tests.model.infrastructure.builders import source

FIRST = date(2025, 12, 1)


def ci_costs(days: int) -> pl.DataFrame:
    dates = [FIRST + timedelta(days=day) for day in range(-1, days)]
    return pl.DataFrame({"date": dates, "cost": [100.0 * (day % 3) for day in range(len(dates))]})


def written(folder: Path, days: int, seed: int = 1) -> bytes:
    path = write_demo_infrastructure(folder, ci_costs(days), FIRST, FIRST + timedelta(days=days - 1), seed)
    assert path == folder / INFRASTRUCTURE_FILE
    return path.read_bytes()


def test_a_longer_file_repeats_a_shorter_one(tmp_path: Path) -> None:
    short = gzip.decompress(written(tmp_path, 40)).splitlines()
    long = gzip.decompress(written(tmp_path, 60)).splitlines()
    assert written(tmp_path, 40) == written(tmp_path, 40) != written(tmp_path, 40, seed=2)
    assert short == long[: len(short)]


def test_the_coupled_service_follows_ci_a_day_later_with_small_noise(tmp_path: Path) -> None:
    written(tmp_path, 300)
    costs = read_costs(tmp_path / INFRASTRUCTURE_FILE, source()).costs
    coupled = costs.filter(service=COUPLED_SERVICE).with_columns(pl.col("cost").cast(pl.Float64))
    ci = ci_costs(300).with_columns(pl.col("date").dt.offset_by("1d"))
    noise = (
        coupled.join(ci, on="date", suffix="_ci", validate="1:1")
        .select((pl.col("cost") / (6.0 + 0.4 * pl.col("cost_ci"))).log().alias("noise"))
        .get_column("noise")
    )
    assert len(noise) == 300
    assert noise.std() == pytest.approx(0.06, rel=0.2)
    assert noise.mean() == pytest.approx(0.0, abs=0.01)
    assert costs.get_column("service").n_unique() == 6
