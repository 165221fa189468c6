"""The tables of correlations: which CI series are compared, what is written, and what readers get."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.correlation.correlation import SCHEMA, CorrelationSettings
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.warehouse.correlation.cost_correlations import (
    LARGEST_PROJECTS,
    ci_series,
    read_correlations,
    read_incident_services,
    write_correlations,
    write_incident_services,
)
from circleci_cost_tests.warehouse.budgets.builders import known, warehouse

FIRST = date(2026, 1, 5)
DAYS = [FIRST + timedelta(days=at) for at in range(150)]
CLOUD_SCHEMA = {"series": pl.String, "date": pl.Date, "cost": pl.Float64}


def credits(seed: int) -> list[int]:
    return [int(amount) for amount in 10_000 * np.exp(0.25 * np.random.default_rng(seed).standard_normal(len(DAYS)))]


def usage(project: str, seed: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"date": day, "project": project, "compute": amount, "user": 25_000 if day.day == 1 else 0, **fields}
        for day, amount in zip(DAYS, credits(seed), strict=True)
    ]


def cloud(**series: list[float]) -> pl.DataFrame:
    return pl.concat(
        [pl.DataFrame(schema=CLOUD_SCHEMA)]
        + [
            pl.DataFrame({"series": [name] * len(costs), "date": DAYS[: len(costs)], "cost": costs})
            for name, costs in series.items()
        ]
    )


def following(seed: int) -> list[float]:
    """What costs a cent for each of CI's credits a day later."""
    amounts = credits(seed)
    return [amount / 100 for amount in (amounts[0], *amounts[:-1])]


def independent(seed: int) -> list[float]:
    return [float(amount) for amount in 70 * np.exp(0.2 * np.random.default_rng(seed).standard_normal(len(DAYS)))]


def test_cost_centers_organizations_and_projects_are_compared_by_their_compute_cost_without_seats() -> None:
    rows = [*usage("web", 1), *usage("api", 2, organization="zoo", organization_id="z", cost_center="other")]
    rows += [{"date": DAYS[0], "project": "cli", "compute": 5, "storage": 100, "network": 7}]
    series = ci_series(warehouse(rows))
    assert series["series"].unique().sort().to_list() == [
        "cost_center=acme",
        "cost_center=other",
        "project=acme/cli",
        "project=acme/web",
    ]
    first = series.filter(date=DAYS[0], series="cost_center=acme").row(0, named=True)
    assert first["cost"] == (credits(1)[0] + 5) * Decimal("0.0006")
    assert first["complete"]


def test_a_day_without_usage_is_zero_and_a_partial_or_unpriced_day_is_not_complete() -> None:
    rows = [row for row in usage("web", 1) if row["date"] != DAYS[3]]
    rows[10]["price"] = None
    connection = warehouse(rows, days=[DAYS[3]])
    known(connection, [DAYS[-1] + timedelta(days=1)], ["acme"], complete=False)
    series = ci_series(connection)
    assert series.filter(date=DAYS[3]).select("cost", "complete").rows() == [(Decimal(0), True)]
    assert series.filter(~pl.col("complete"))["date"].to_list() == [rows[10]["date"], DAYS[-1] + timedelta(days=1)]


def test_only_the_dearest_projects_are_compared() -> None:
    rows = [
        {"date": day, "project": f"p{number:03}", "compute": 100 + number + index}
        for number in range(LARGEST_PROJECTS + 5)
        for index, day in enumerate(DAYS[:2])
    ]
    names = ci_series(warehouse(rows))["series"].unique().sort().to_list()
    assert names[0] == "cost_center=acme"
    assert names[1:] == [f"project=acme/p{number:03}" for number in range(5, LARGEST_PROJECTS + 5)]


def test_the_coupled_service_is_written_at_its_lag_and_read_first() -> None:
    connection = warehouse([*usage("web", 1), *usage("api", 2)])
    infrastructure = cloud(s3=following(1), rds=independent(7), new=independent(8)[:20])
    summary = write_correlations(connection, infrastructure, CorrelationSettings())
    pairs = read_correlations(connection)
    assert pairs.schema == SCHEMA
    assert pairs.select("ci_series", "infrastructure_series", "lag_days", "significant").rows()[0] == (
        "project=acme/web",
        "s3",
        1,
        True,
    )
    assert pairs.filter("significant")["infrastructure_series"].unique().to_list() == ["s3"]
    assert pairs["sentence"].to_list()[-1].endswith("new: 20 usable days, 60 are needed")
    assert (summary.ci_series, summary.infrastructure_series, summary.tested) == (3, 3, 6)
    assert summary.too_short == pytest.approx(1 / 3)
    assert summary.significant["sentence"].to_list()[0] == pairs["sentence"].to_list()[0]


def test_writing_again_replaces_what_was_written() -> None:
    connection = warehouse(usage("web", 1))
    write_correlations(connection, cloud(s3=following(1)), CorrelationSettings())
    write_correlations(connection, cloud(rds=independent(7)), CorrelationSettings())
    assert read_correlations(connection)["infrastructure_series"].to_list() == ["rds"]


def test_without_infrastructure_or_without_ci_the_table_is_empty() -> None:
    summary = write_correlations(warehouse(usage("web", 1)), cloud(), CorrelationSettings())
    assert (summary.pairs.height, summary.tested, summary.too_short) == (0, 0, None)
    connection = warehouse()
    write_correlations(connection, cloud(s3=following(1)), CorrelationSettings())
    assert read_correlations(connection).is_empty()


def test_the_services_that_shifted_around_an_incident_are_kept_with_it() -> None:
    connection = warehouse()
    shifted = [cost * (1.8 if at >= 100 else 1.0) for at, cost in enumerate(independent(9))]
    infrastructure = cloud(s3=shifted, **{f"calm {number}": independent(number) for number in range(10, 20)})
    incidents = pl.DataFrame(
        {"incident_id": ["a", "b"], "first_day": [DAYS[100], DAYS[60]], "impact_usd": [Decimal(5), Decimal(7)]}
    )
    written = write_incident_services(connection, incidents, infrastructure, EventStudySettings())
    services = read_incident_services(connection, "a")
    assert services.select("infrastructure_series", "date").rows() == [("s3", DAYS[100])]
    assert services["step"].item() == pytest.approx(0.8, abs=0.3)
    assert services["sentence"].item().startswith("s3 rose by ")
    assert read_incident_services(connection, "b").is_empty()
    assert written["incident_id"].to_list() == ["a"]
    write_incident_services(connection, incidents.clear(), infrastructure, EventStudySettings())
    assert read_incident_services(connection, "a").is_empty()
