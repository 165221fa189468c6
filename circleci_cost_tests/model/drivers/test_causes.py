"""Root causes: the node of the tree that explains a change as one, and none where chance explains it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from circleci_cost.model.drivers.causes import likeliest_cause, root_causes
from circleci_cost.model.drivers.decomposition import decompose
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost_tests.model.drivers.builders import period

Change = Callable[[dict[str, Any]], dict[str, Any] | None]
ORGANIZATIONS = {"acme": "acme", "labs": "acme", "globex": "globex"}


def usual(seed: int) -> list[dict[str, Any]]:
    """Three organizations of two cost centers with a hundred jobs, whose runs scatter as they do by chance."""
    draw = np.random.default_rng(seed)
    sizes = np.random.default_rng(0)
    rows = []
    for organization, center in ORGANIZATIONS.items():
        for project in range(6):
            for workflow, jobs in (("build", 4), ("nightly", 2)):
                runs = int(draw.poisson(sizes.integers(40, 200)))
                for job in range(jobs):
                    seconds, rate = int(sizes.integers(60, 900)), int(sizes.choice([10, 20, 40]))
                    minutes = float(runs * seconds / 60 * np.exp(draw.normal(0, 0.3 / np.sqrt(max(runs, 1)))))
                    rows.append(
                        {
                            "cost_center": center,
                            "organization": organization,
                            "project": f"p{project}",
                            "workflow": workflow,
                            "job": f"j{job}",
                            "runs": runs,
                            "minutes": minutes,
                            "compute": Decimal(round(minutes * rate)),
                        }
                    )
    return rows


def causes(change: Change, seed: int = 1) -> pl.DataFrame:
    before, after = usual(2 * seed), [change(row) for row in usual(2 * seed + 1)]
    return root_causes(decompose(period(*before), period(*(row for row in after if row)), list(HIERARCHY)))


def where(**scope: str) -> Callable[[dict[str, Any]], bool]:
    return lambda row: all(row[name] == value for name, value in scope.items())


def first(ranked: pl.DataFrame) -> tuple[str, ...]:
    row = ranked.row(0, named=True)
    return tuple(row[level] for level in HIERARCHY if row[level] is not None)


def times(row: dict[str, Any], factor: int, *names: str) -> dict[str, Any]:
    return row | {name: row[name] * factor for name in names}


def test_more_runs_of_a_project_are_the_projects_cause() -> None:
    inside = where(organization="acme", project="p2")
    ranked = causes(lambda row: times(row, 2, "runs", "minutes", "compute") if inside(row) else row)
    assert first(ranked) == ("acme", "acme", "p2")
    assert ranked.item(0, "driver") == "runs"
    assert ranked.item(0, "z") > 3


def test_longer_runs_of_one_job_are_that_jobs_cause() -> None:
    inside = where(organization="globex", project="p4", workflow="nightly", job="j1")
    ranked = causes(lambda row: times(row, 2, "minutes", "compute") if inside(row) else row)
    assert first(ranked) == ("globex", "globex", "p4", "nightly", "j1")
    assert ranked.item(0, "driver") == "minutes_per_run"


def test_another_class_of_one_job_is_a_cause_that_names_the_class() -> None:
    inside = where(organization="labs", project="p1", workflow="build", job="j0")
    ranked = causes(lambda row: times(row, 2, "compute") | {"resource_class": "large"} if inside(row) else row)
    assert first(ranked) == ("acme", "labs", "p1", "build", "j0")
    row = ranked.row(0, named=True)
    assert (row["driver"], row["class_from"], row["class_to"]) == ("credits_per_minute", "medium", "large")


def test_a_workflow_that_vanished_is_one_cause_and_not_one_for_each_of_its_jobs() -> None:
    inside = where(organization="acme", project="p0", workflow="build")
    ranked = causes(lambda row: None if inside(row) else row)
    assert first(ranked) == ("acme", "acme", "p0", "build")
    assert ranked.filter(pl.col("project") == "p0").height == 1
    assert ranked.item(0, "driver") == "vanished"


def test_a_new_price_is_the_cause_of_its_cost_center() -> None:
    ranked = causes(lambda row: row | {"price": Decimal("0.0007")} if row["cost_center"] == "acme" else row)
    assert first(ranked) == ("acme",)
    assert (ranked.item(0, "driver"), ranked.item(0, "z")) == ("price", float("inf"))


def test_two_causes_are_two_rows_the_larger_first() -> None:
    quadrupled, doubled = where(organization="acme", project="p2"), where(organization="globex", project="p5")

    def change(row: dict[str, Any]) -> dict[str, Any]:
        factor = 4 if quadrupled(row) else 2 if doubled(row) else 1
        return times(row, factor, "runs", "minutes", "compute")

    ranked = causes(change)
    assert ranked.select("rank", "organization", "project").rows()[:2] == [(1, "acme", "p2"), (2, "globex", "p5")]


def test_changes_by_chance_have_no_cause() -> None:
    named = [causes(lambda row: row, seed).height > 0 for seed in range(1, 41)]
    assert sum(named) <= 6


def test_seats_and_nothing_at_all_have_no_cause() -> None:
    rows = usual(1)
    booked = [rows[0] | {"project": "(seats)", "workflow": "(seats)", "job": "(seats)", "compute": 0, "user": 250_000}]
    assert root_causes(decompose(period(*rows), period(*rows, *booked), list(HIERARCHY))).is_empty()
    assert root_causes(decompose(period(), period(), list(HIERARCHY))).is_empty()


def test_names_that_are_null_and_fewer_levels_will_do() -> None:
    inside = where(organization="acme", project="p2")
    before = [row | {"workflow": None} for row in usual(2)]
    after = [times(row, 3, "runs", "minutes", "compute") if inside(row) else row for row in usual(3)]
    after = [row | {"workflow": None} for row in after]
    levels = ["organization", "project", "workflow"]
    ranked = root_causes(decompose(period(*before), period(*after), levels), levels)
    assert ranked.select("organization", "project").row(0) == ("acme", "p2")


NIGHTLY = {"cost_center": "acme", "organization": "acme", "project": "p0", "workflow": "night", "job": "load"}


def beside(usual_rows: list[dict[str, Any]], runs: int, minutes: float = 500) -> pl.DataFrame:
    """Usual rows, and the nightly job with so many runs."""
    row = NIGHTLY | {"runs": runs, "minutes": runs * minutes, "compute": Decimal(round(runs * minutes * 40))}
    return period(*usual_rows, *([row] if runs else []))


def scattered(count_variance: float) -> pl.DataFrame:
    return pl.DataFrame([{**NIGHTLY, "count_variance": count_variance, "run_variance": 0.1}])


def test_a_job_on_a_schedule_that_runs_twice_from_now_on_is_a_cause() -> None:
    rows = decompose(beside(usual(2), 5), beside(usual(3), 10), list(HIERARCHY))
    ranked = root_causes(rows, scatter=scattered(0.05))
    assert first(ranked) == tuple(NIGHTLY.values())
    assert ranked.item(0, "driver") == "runs"


def test_a_monthly_batch_among_the_days_compared_with_is_no_cause() -> None:
    rows = decompose(beside(usual(2), 8), beside(usual(3), 0), list(HIERARCHY))
    assert root_causes(rows, scatter=scattered(16.0)).filter(pl.col("job") == "load").is_empty()


def test_a_job_that_runs_on_its_own_is_the_cause_and_not_its_workflow() -> None:
    rng = np.random.default_rng(5)
    own = [row | {"runs": int(rng.poisson(60)), "compute": Decimal(500)} for row in usual(2)]
    after = [row | {"runs": int(rng.poisson(row["runs"]))} for row in own]
    inside = where(organization="acme", project="p2", workflow="build", job="j3")
    changed = [times(row, 3, "runs", "minutes", "compute") if inside(row) else row for row in after]
    ranked = root_causes(decompose(period(*own), period(*changed), list(HIERARCHY)))
    assert first(ranked) == ("acme", "acme", "p2", "build", "j3")


def test_where_no_cause_is_sure_the_likeliest_one_is_known() -> None:
    inside = where(organization="acme", project="p2", workflow="nightly")
    small = [row | {"runs": 4, "minutes": 40.0, "compute": Decimal(4000)} for row in usual(2)]
    changed = [times(row, 2, "runs", "minutes", "compute") if inside(row) else row for row in small]
    rows = decompose(period(*small), period(*changed), list(HIERARCHY))
    assert root_causes(rows).is_empty()
    assert first(likeliest_cause(rows)) == ("acme", "acme", "p2", "nightly")
    assert likeliest_cause(decompose(period(*small), period(*small), list(HIERARCHY))).is_empty()
