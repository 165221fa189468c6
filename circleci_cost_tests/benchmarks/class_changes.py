"""How often the verdict on a change of resource class is right, on simulated changes whose effect is known.

`python -m circleci_cost_tests.benchmarks class_changes [SEED …]` prints the shares. The figures in the guide are those
of seeds 11 to 15; the constants were chosen on seeds 1 to 3.
"""

import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import NAMESPACE_URL, uuid5

import polars as pl

from circleci_cost.model.efficiency.class_verdicts import verdicts
from circleci_cost.simulator.generator import generate
from circleci_cost.simulator.scenario import (
    CREDITS_PER_MINUTE,
    Driver,
    Event,
    EventKind,
    Job,
    Organization,
    Project,
    Scenario,
    Workflow,
)

FIRST, LAST = date(2026, 3, 2), date(2026, 7, 5)
CLASSES = ("small", "medium", "medium+", "large", "xlarge", "2xlarge")
# Beyond this a change has to be told from none.
MATTERS = 0.10
ORGANIZATION = str(uuid5(NAMESPACE_URL, "classes"))


def labelled(seed: int, projects: int = 24) -> tuple[Scenario, dict[tuple[str, str], float | None]]:
    """A scenario, and by project and job the true cost ratio of its change; None where nothing changes.

    Durations have the days' scatter of volatile projects, a quarter drifts, and half of the changes make the job
    slower or faster by what would balance the price, give or take two fifths: the hard ones.
    """
    drawn = random.Random(seed)
    truths: dict[tuple[str, str], float | None] = {}
    events: list[Event] = []
    made = []
    for number in range(projects):
        name = f"project-{number:02}"
        jobs = []
        for place in range(4):
            former = drawn.choice(CLASSES[:-1] if place % 2 else CLASSES[1:])
            job = Job(f"job-{place}", drawn.choice((45, 150, 400, 900)), former, spread=drawn.choice((0.15, 0.3, 0.5)))
            jobs.append(job)
            of_job = partial(Event, organization="hooli", project=name, workflow="build", job=job.name)
            if drawn.random() < 0.25:
                factor = drawn.choice((0.8, 1.25))
                events.append(
                    of_job(kind=EventKind.DRIFT, first_day=FIRST, factor=factor, last_day=LAST, driver=Driver.SECONDS)
                )
            truths[name, job.name] = None
            if place == 3 and drawn.random() < 0.5:
                continue
            at = CLASSES.index(former)
            new = CLASSES[at + (1 if place % 2 else -1)]
            ratio = CREDITS_PER_MINUTE["docker", new] / CREDITS_PER_MINUTE["docker", former]
            speed = drawn.uniform(0.6, 1.4) / ratio if drawn.random() < 0.5 else drawn.uniform(0.95, 1.05)
            day = FIRST + timedelta(days=drawn.randrange(50, 90))
            events.append(of_job(kind=EventKind.RESOURCE_CLASS_CHANGE, first_day=day, factor=ratio, resource_class=new))
            events.append(of_job(kind=EventKind.LEVEL_SHIFT, first_day=day, factor=speed, driver=Driver.SECONDS))
            truths[name, job.name] = ratio * speed
        made.append(
            Project(
                str(uuid5(NAMESPACE_URL, name)), name, date(2024, 1, 1), (Workflow("build", tuple(jobs)),),
                volatility=0.4,
            )
        )  # fmt: skip
    organization = Organization(
        ORGANIZATION, "hooli", "gh/hooli", date(2020, 1, 1), tuple(made), jobs_per_day=4 * projects * 9.0, growth=0.2
    )
    return Scenario((organization,), tuple(events), seed), truths


def class_days(scenario: Scenario) -> pl.DataFrame:
    """What `warehouse/efficiency/class_days.sql` makes of the scenario's usage."""
    as_of = datetime.combine(LAST + timedelta(days=5), datetime.min.time(), UTC)
    runs = pl.concat(generate(scenario, [ORGANIZATION], FIRST, LAST, as_of)).filter(
        pl.col("JOB_RUN_STOPPED_AT").is_not_null()
    )
    done = pl.col("JOB_BUILD_STATUS").cast(pl.String) == "success"
    names = {"project": "PROJECT_NAME", "job": "JOB_NAME", "executor": "EXECUTOR", "resource_class": "RESOURCE_CLASS"}
    return (
        runs.group_by(
            [pl.col("JOB_RUN_DATE").alias("date")]
            + [pl.col(source).cast(pl.String).alias(name) for name, source in names.items()]
        )
        .agg(
            runs=pl.len().cast(pl.Int64),
            succeeded=done.sum().cast(pl.Int64),
            failed=(pl.col("JOB_BUILD_STATUS").cast(pl.String) == "failed").sum().cast(pl.Int64),
            seconds=pl.col("JOB_RUN_SECONDS").filter(done).sum().cast(pl.Int64),
            credits=pl.col("COMPUTE_CREDITS").filter(done).sum().cast(pl.Decimal(38, 6)),
        )
        .with_columns(
            key=pl.concat_str("project", "job").hash(),
            price_per_credit=pl.lit("0.0006").cast(pl.Decimal(18, 10)),
            **{name: pl.lit("hooli") for name in ("cost_center", "organization_id", "organization", "project_id")},
        )
    )


def judged(seed: int) -> pl.DataFrame:
    """Each job of a seed with its true ratio (NULL: no change) and what was found."""
    scenario, truths = labelled(seed)
    truth = pl.DataFrame(
        [(*key, ratio) for key, ratio in truths.items()],
        schema={"project": pl.String, "job": pl.String, "truth": pl.Float64},
        orient="row",
    )
    dated = pl.DataFrame(
        [(e.project, e.job, e.first_day) for e in scenario.events if e.kind is EventKind.RESOURCE_CLASS_CHANGE],
        schema={"project": pl.String, "job": pl.String, "on": pl.Date},
        orient="row",
    )
    days = class_days(scenario)
    began = time.perf_counter()
    found = verdicts(days)
    seconds = time.perf_counter() - began
    columns = ["project", "job", "date", "verdict", "cost_ratio", "cost_ratio_low", "cost_ratio_high", "minutes_ratio"]
    return (
        truth.join(dated, on=["project", "job"], how="left")
        .join(found.select(columns), on=["project", "job"], how="left")
        .with_columns(seed=pl.lit(seed), seconds=pl.lit(seconds))
    )


def shares(rows: pl.DataFrame) -> dict[str, float]:
    """The figures of the guide."""
    changed = rows.filter(pl.col("truth").is_not_null())
    matters = changed.filter((pl.col("truth") - 1).abs() > MATTERS)
    right = pl.when(pl.col("truth") < 1).then(pl.lit("keep")).otherwise(pl.lit("revert"))
    saves = changed.filter(pl.col("verdict") == "keep")
    held = (pl.col("cost_ratio_low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("cost_ratio_high"))
    return {
        "changes": changed.height,
        "found within two days": float(
            changed.select(
                (pl.col("date") - pl.col("on")).dt.total_days().is_between(0, 2).fill_null(value=False).mean()
            ).item()
        ),
        "found where nothing changed": int(rows.filter(pl.col("truth").is_null())["date"].count()),
        "matter": matters.height,
        "right verdict where it matters": float(matters.select((pl.col("verdict") == right).mean()).item()),
        "wrong 'keep'": float(saves.select((pl.col("truth") > 1).mean()).item()),
        "undecided where it matters": float(matters.select((pl.col("verdict") == "undecided").mean()).item()),
        "interval held": float(changed.select(held.mean()).item()),
    }


def main(arguments: list[str]) -> None:
    """Print the shares of the seeds together."""
    rows = pl.concat(judged(seed) for seed in map(int, arguments or ["11", "12", "13", "14", "15"]))
    for name, value in shares(rows).items():
        print(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")
    seconds = rows.select(pl.col("seconds").mean()).item()
    print(f"{'seconds a seed':32} {seconds:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
