from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from circleci_cost.model.efficiency.advice import ADVICE_SCHEMA, advise
from circleci_cost.model.efficiency.observed_rates import rates_in_use
from circleci_cost.model.efficiency.rate_definition import ResourceClassRate
from circleci_cost.model.efficiency.rates import rates_on

DAY = date(2026, 11, 27)
_RUNS = pl.DataFrame(
    schema={"executor": pl.String, "resource_class": pl.String, "runs": pl.Int64, "seconds": pl.Int64,
            "credits": pl.Decimal(38, 6)}
)  # fmt: skip
RATES = rates_in_use(rates_on(DAY), _RUNS)


def usage(**changes: Any) -> dict[str, Any]:
    """200 runs of ten minutes on docker large in 28 days, 20 credits a minute at $0.0006, all sampled."""
    job: dict[str, Any] = {
        "key": 1, "cost_center": "acme", "organization_id": "o", "organization": "acme", "project_id": "p",
        "project": "web", "job": "test", "executor": "docker", "resource_class": "large",
        "first_day": date(2026, 10, 31), "last_day": DAY, "runs": 200, "run_seconds": 200 * 600,
        "compute_credits": Decimal(40_000), "compute_cost_usd": Decimal(24), "sampled_runs": 200,
        "sampled_seconds": 200 * 600, "succeeded": 190, "failed": 10, "cpu_median": 30.0, "cpu_p95": 40.0,
        "cpu_max": 60.0, "ram_median": 10.0, "ram_p95": 12.0, "ram_max": 15.0, "recent_share": 1.0, "days": 28,
        "price_per_credit": Decimal("0.0006"),
    }  # fmt: skip
    return job | changes


def advice(*jobs: dict[str, Any], cpu: tuple[float, float] = (30, 40), rates: pl.DataFrame = RATES) -> pl.DataFrame:
    decimals = {"compute_credits": pl.Decimal(38, 6), "compute_cost_usd": pl.Decimal(38, 16),
                "price_per_credit": pl.Decimal(18, 10)}  # fmt: skip
    frame = pl.DataFrame(list(jobs), schema_overrides={**decimals, "key": pl.UInt64}, infer_schema_length=None)
    samples = pl.DataFrame(
        [(job["key"], *cpu, job["sampled_seconds"]) for job in jobs],
        schema={"key": pl.UInt64, "cpu_median": pl.Float64, "cpu_max": pl.Float64, "seconds": pl.Int64},
        orient="row",
    )
    return advise(frame, samples, rates)


def on(candidate: str, rows: pl.DataFrame) -> dict[str, Any]:
    return rows.row(by_predicate=pl.col("candidate") == candidate, named=True)


def test_a_job_with_idle_vcpus_should_move_and_the_figures_follow_from_the_rates() -> None:
    rows = advice(usage())
    assert dict(rows.schema) == ADVICE_SCHEMA
    medium = on("medium", rows)
    assert (medium["advice"], medium["minutes_per_run"], medium["break_even_minutes"]) == ("move", 10.0, 20.0)
    # Samples of 30 and 40 % on half of the vCPUs: nothing is saturated; in bursts a third more time.
    assert (medium["minutes_best"], medium["minutes_likely"], medium["minutes_worst"]) == (10.0, 10.0, 13.5)
    month = Decimal(24) * Decimal(365.25 / 12 / 28)
    assert abs(medium["saving_usd"] - month / 2) < Decimal("0.00001")
    assert abs(medium["saving_low_usd"] - month * (1 - Decimal("0.675"))) < Decimal("0.00001")
    assert medium["saving_high_usd"] == medium["saving_usd"]
    assert rows.filter("best")["candidate"].to_list() == ["small"]


def test_a_saturated_job_stays() -> None:
    rows = advice(usage(cpu_median=100.0, cpu_p95=100.0, cpu_max=100.0), cpu=(100, 100))
    assert set(rows.filter(pl.col("candidate") != "large.gen2")["advice"]) == {"stay"}
    medium, xlarge = on("medium", rows), on("xlarge", rows)
    assert (medium["minutes_likely"], medium["saving_usd"]) == (20.0, Decimal(0))
    # Twice as fast at best, at twice the rate: it costs the same.
    assert (xlarge["minutes_best"], xlarge["saving_high_usd"]) == (5.0, Decimal(0))
    assert medium["risk"] == "CPU saturated (100 %)"
    assert not rows["best"].any()


def test_a_class_without_the_ram_that_was_used_is_refused() -> None:
    rows = advice(usage(ram_max=55.0))
    medium = on("medium", rows)
    assert (medium["advice"], medium["saving_usd"], medium["break_even_minutes"]) == ("refused", None, 20.0)
    assert medium["reason"] == "needs up to 4.4 GB of RAM and a fifth to spare; medium has 4.0 GB"
    # 4.4 GB of 6 GB leave a fifth free.
    assert on("medium+", rows)["advice"] == "move"
    assert on("xlarge", advice(usage(ram_max=97.0)))["advice"] == "stay"
    assert on("xlarge", advice(usage(ram_max=97.0)))["risk"] == "memory at the limit (97 %)"


def test_too_few_samples_are_said_and_nothing_is_advised() -> None:
    rows = advice(usage(sampled_runs=12, sampled_seconds=12 * 600))
    assert set(rows["advice"]) == {"refused"}
    assert rows["saving_usd"].null_count() == rows.height
    assert on("medium", rows)["reason"] == "too few samples: 12 of 200 runs have any, 6 % of the time"
    assert on("medium", rows)["break_even_minutes"] == 20.0


def test_time_without_samples_widens_the_range() -> None:
    medium = on("medium", advice(usage(sampled_runs=100, sampled_seconds=100 * 600)))
    assert (medium["minutes_best"], medium["minutes_likely"], medium["minutes_worst"]) == (10.0, 10.0, 16.75)
    assert medium["risk"] == "50 % of the runs without samples"


def test_of_another_generation_only_the_break_even_is_known() -> None:
    gen2 = on("large.gen2", advice(usage()))
    assert (gen2["advice"], gen2["saving_usd"]) == ("stay", None)
    assert round(gen2["break_even_minutes"], 2) == 8.33
    full = on("large.gen2", advice(usage(cpu_median=95.0), cpu=(95, 100)))
    assert full["advice"] == "try"
    from_gen2 = usage(executor="machine", resource_class="large.gen2")
    assert on("large", advice(from_gen2))["advice"] == "try"


def test_a_class_of_unknown_size_and_gpus_get_a_sentence_instead_of_advice() -> None:
    (row,) = advice(usage(executor="remote-docker")).to_dicts()
    assert (row["candidate"], row["advice"]) == (None, "refused")
    assert row["reason"].startswith("the size of remote-docker large is not known; add it with vcpus and ram_gb")
    gpu = advice(usage(executor="machine", resource_class="gpu.nvidia.medium.multi"))
    assert set(gpu["reason"]) == {"how far the GPUs are used, no export says"}


def test_the_former_class_on_old_branches_is_not_advised_on() -> None:
    rows = advice(usage(), usage(key=2, resource_class="xlarge", recent_share=0.1))
    assert set(rows["resource_class"]) == {"large"}


def test_credits_without_a_price_are_advised_on_in_credits() -> None:
    medium = on("medium", advice(usage(price_per_credit=None, compute_cost_usd=None)))
    assert (medium["advice"], medium["saving_usd"], medium["saving_low_usd"]) == ("move", None, None)
    assert medium["saving_credits"] > 20_000


def test_classes_of_another_processor_are_no_candidates() -> None:
    machine = advice(usage(executor="machine", resource_class="arm.xlarge"))
    assert set(machine["candidate"]) == {"arm.large"}
    # Five times as dear for twice the vCPUs: half of them cost a fifth.
    assert on("arm.large", machine)["break_even_minutes"] == 50.0


def test_where_the_export_shows_one_rate_only_the_ratio_is_the_tables() -> None:
    observed = pl.DataFrame([("docker", "large", 500, 300_000, Decimal(120_250))], schema=_RUNS.schema, orient="row")
    rows = advice(usage(), cpu=(100, 100), rates=rates_in_use(rates_on(DAY), observed))
    medium = on("medium", rows)
    assert (medium["credits_per_minute"], medium["candidate_credits_per_minute"]) == (24, 12)
    # A saturated job takes twice the time on half of the vCPUs: nothing is saved, whatever the rates.
    assert (medium["advice"], medium["saving_usd"]) == ("stay", 0)
    assert on("large.gen2", rows)["candidate_credits_per_minute"] == 24
    # The export's own rate of the candidate stays.
    both = pl.concat([observed, pl.DataFrame([("docker", "medium", 500, 300_000, Decimal(55_250))], observed.schema,
                                             orient="row")])  # fmt: skip
    assert on("medium", advice(usage(), rates=rates_in_use(rates_on(DAY), both)))["candidate_credits_per_minute"] == 11


def test_more_than_all_of_the_cpu_is_all_of_it() -> None:
    medium = on("medium", advice(usage(), cpu=(150, 180)))
    assert (medium["minutes_best"], medium["minutes_likely"], medium["minutes_worst"]) == (15.0, 20.0, 20.0)


def test_of_candidates_that_save_the_same_one_is_the_best() -> None:
    """A dearer contract for one class: a saturated job saves the same by all smaller ones."""
    own = ResourceClassRate(executor="docker", resource_class="large", credits_per_minute=Decimal(25))
    rows = advice(usage(), cpu=(100, 100), rates=rates_in_use(rates_on(DAY, [own]), _RUNS))
    assert rows.filter(pl.col("saving_usd") > 0)["candidate"].n_unique() > 1
    assert rows.filter("best")["candidate"].to_list() == ["medium+"]


def test_a_job_whose_runs_were_all_canceled_has_no_success_rate() -> None:
    assert on("medium", advice(usage(succeeded=0, failed=0)))["success_rate"] is None
