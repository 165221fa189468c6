"""Which resource class a job should have: break-even, the likely saving with its range, and when nothing is advised.

A class that costs `r` times as much a minute pays if the job becomes more than `r` times faster; a cheaper one saves if
the job becomes less than `1 / r` times slower. How much slower is `slowdown`'s job, the words are `advice_text`'s.
"""

import polars as pl

from circleci_cost.days import DAYS_A_MONTH
from circleci_cost.model.efficiency.advice_text import reason, risk
from circleci_cost.model.efficiency.rates import RATE
from circleci_cost.model.efficiency.slowdown import time_factors

# With fewer sampled runs, or over less than a third of the time, the extremes of CPU and RAM are not known.
FEWEST_SAMPLED_RUNS, LEAST_SAMPLED_SHARE = 20, 1 / 3
# Samples are 15 seconds apart and miss peaks, and a job out of memory is killed: a fifth is kept free.
RAM_KEPT_FREE = 0.2
# A branch that still has the former class is no reason for advice: so much of the latest runs count.
_LEAST_RECENT_SHARE = 0.2
# Sizes further away are no single step; what they would do is not to be seen from here.
_SMALLEST, _LARGEST = 0.25, 2.0

USD, CREDITS = pl.Decimal(38, 6), pl.Decimal(38, 6)
ADVICE_SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(("cost_center", "organization_id", "organization", "project_id", "project", "job"), pl.String()),
    **dict.fromkeys(("executor", "resource_class", "candidate", "advice"), pl.String()),
    "best": pl.Boolean(),
    "risk": pl.String(),
    "reason": pl.String(),
    "first_day": pl.Date(),
    "last_day": pl.Date(),
    "runs": pl.Int64(),
    "unsampled_share": pl.Float64(),
    "success_rate": pl.Float64(),
    "compute_credits": CREDITS,
    "compute_cost_usd": pl.Decimal(38, 16),
    "credits_per_minute": pl.Decimal(18, 6),
    "candidate_credits_per_minute": pl.Decimal(18, 6),
    **dict.fromkeys(("minutes_per_run", "break_even_minutes"), pl.Float64()),
    **dict.fromkeys(("minutes_best", "minutes_likely", "minutes_worst"), pl.Float64()),
    "saving_credits": CREDITS,
    **dict.fromkeys(("saving_usd", "saving_low_usd", "saving_high_usd"), USD),
    **dict.fromkeys(("cpu_median", "cpu_p95", "cpu_max", "ram_median", "ram_p95", "ram_max"), pl.Float64()),
    **dict.fromkeys(("vcpus", "candidate_vcpus", "ram_gb", "candidate_ram_gb"), pl.Float64()),
}
_OF_RATE = ("source", "observed", "table")
_FACTORS = ("best_case", "likely", "worst_case")


def advise(usage: pl.DataFrame, samples: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """The advice for each job and each class that it could move to, `ADVICE_SCHEMA` [job × class × candidate].

    In: `usage` [job × class] as `warehouse/efficiency/class_usage.sql` adds it up over the last days, `samples` [job ×
    class × median × maximum] with the `seconds` of such runs, `rates` as `observed_rates.rates_in_use` gives them.
    `advice` is `move` (it saves even at worst), `try` (it likely saves), `stay`, or `refused`. A class without a known
    size has one row without a candidate.
    """
    sizes = ("family", "generation", "vcpus", "ram_gb")
    own = rates.select("executor", "resource_class", *sizes, "credits_per_minute", *_OF_RATE)
    others = own.select(
        "family",
        *(pl.col(name).alias(f"candidate_{name}") for name in _OF_RATE),
        candidate="resource_class",
        candidate_generation="generation",
        candidate_vcpus="vcpus",
        candidate_ram_gb="ram_gb",
        candidate_credits_per_minute="credits_per_minute",
    ).filter(pl.col("candidate_vcpus").is_not_null())
    current = usage.filter((pl.col("recent_share") >= _LEAST_RECENT_SHARE) & (pl.col("compute_credits") > 0)).join(
        own, on=["executor", "resource_class"], how="left"
    )
    rows = (
        current.join(others, on="family", how="left")
        .with_columns(k=pl.col("candidate_vcpus") / pl.col("vcpus"))
        .filter(_comparable() | pl.col("vcpus").is_null())
        .with_columns(
            pl.when(pl.col("vcpus").is_not_null()).then(pl.col(name)).alias(name)
            for name in ("candidate", "candidate_vcpus", "candidate_ram_gb", "candidate_credits_per_minute", "k")
        )
        .with_columns(candidate_credits_per_minute=_candidate_rate())
        .unique(["key", "candidate"], maintain_order=True)
    )
    judged = _judged(rows.join(_factors(rows, samples), on=["key", "k"], how="left"))
    return (
        judged.with_columns(best=_is_best(), risk=risk(), reason=reason())
        .sort("saving_credits", "cost_center", "project", "job", "candidate_vcpus", descending=[True] + [False] * 4,
              nulls_last=True)
        .select(pl.col(name).cast(kind) for name, kind in ADVICE_SCHEMA.items())
    )  # fmt: skip


def _candidate_rate() -> pl.Expr:
    """The candidate's rate. In: rows with both classes' rates, `source`, `observed` and `table`.

    Where the export shows only one of both, and another rate than the table, the table's ratio holds: sizes of one
    generation change their rates together.
    """

    def unseen(prefix: str) -> pl.Expr:
        return (pl.col(f"{prefix}source") == "shipped") & pl.col(f"{prefix}observed").is_null()

    def seen(prefix: str) -> pl.Expr:
        return (pl.col(f"{prefix}source") == "observed") & pl.col(f"{prefix}table").is_not_null()

    one_seen = (seen("") & unseen("candidate_")) | (seen("candidate_") & unseen(""))
    one_seen &= pl.col("candidate_generation") == pl.col("generation")
    tables = pl.col("candidate_table").cast(pl.Float64) / pl.col("table").cast(pl.Float64)
    alike = (pl.col("credits_per_minute").cast(pl.Float64) * tables).round(6).cast(RATE)
    return pl.when(one_seen).then(alike).otherwise("candidate_credits_per_minute")


def _comparable() -> pl.Expr:
    """Another class near in size; one of another generation only where the size is the same."""
    same_generation = pl.col("candidate_generation") == pl.col("generation")
    near = pl.col("k").is_between(_SMALLEST, _LARGEST)
    other = pl.col("candidate") != pl.col("resource_class")
    return other & near & (same_generation | (pl.col("k") == 1))


def _factors(rows: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """The times on `k` times as many vCPUs, relative to today's, over the sampled time of each job."""
    schema = {"key": rows.schema["key"], "k": pl.Float64(), **dict.fromkeys(_FACTORS, pl.Float64())}
    parts = [pl.DataFrame(schema=schema)]
    # A container may use more than its share of a host: that does not make it faster on more vCPUs of its own.
    median, maximum = ((pl.max_horizontal("cpu_median", name) / 100).clip(0, 1) for name in ("cpu_median", "cpu_max"))
    # A dozen ratios at most: the loop is over sizes of classes, not over rows.
    for k in rows["k"].drop_nulls().unique().sort():
        if k == 1:
            continue
        concerned = samples.join(rows.filter(k=k).select("key"), on="key", how="semi")
        weighted = [
            ((factor * pl.col("seconds")).sum() / pl.col("seconds").sum()).alias(name)
            for name, factor in zip(_FACTORS, time_factors(median, maximum, k), strict=True)
        ]
        parts.append(concerned.group_by("key").agg(weighted).with_columns(k=pl.lit(k)).select(schema.keys()))
    return pl.concat(parts)


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    sampled = pl.col("sampled_seconds") / pl.col("run_seconds")
    ratio = pl.col("candidate_credits_per_minute").cast(pl.Float64) / pl.col("credits_per_minute").cast(pl.Float64)
    unlimited, none = 1 / pl.col("k"), pl.lit(1.0)
    fewer = pl.col("k") < 1
    per_month = pl.col("compute_credits").cast(pl.Float64) * DAYS_A_MONTH / pl.col("days")
    price = pl.col("price_per_credit").cast(pl.Float64)
    minutes = pl.col("run_seconds") / pl.col("runs") / 60
    judged = pl.col("succeeded") + pl.col("failed")
    return (
        rows.with_columns(
            # Of time without samples nothing is known: at best it stays, at worst it follows the vCPUs.
            best_case=_spread("best_case", sampled, pl.when(fewer).then(none).otherwise(unlimited)),
            worst_case=_spread("worst_case", sampled, pl.when(fewer).then(unlimited).otherwise(none)),
            too_few=(pl.col("sampled_runs") < FEWEST_SAMPLED_RUNS) | (sampled < LEAST_SAMPLED_SHARE),
            ram_needed_gb=pl.col("ram_max") / 100 * pl.col("ram_gb"),
            unsampled_share=1 - pl.col("sampled_runs") / pl.col("runs"),
            # Of canceled runs alone no rate is known.
            success_rate=pl.when(judged > 0).then(pl.col("succeeded") / judged),
            minutes_per_run=minutes,
            break_even_minutes=minutes / ratio,
            ratio=ratio,
        )
        .with_columns(
            # A class with no less RAM is none the worse for it.
            too_small=(pl.col("candidate_ram_gb") < pl.col("ram_gb"))
            & (pl.col("candidate_ram_gb") * (1 - RAM_KEPT_FREE) < pl.col("ram_needed_gb")),
            unknown=pl.col("candidate").is_null(),
            gpu=pl.col("family").str.contains("gpu"),
        )
        .with_columns(
            refused=pl.any_horizontal(pl.col("unknown", "gpu", "too_few", "too_small").fill_null(value=False))
        )
        .with_columns(
            pl.when(~pl.col("refused")).then(pl.col(name)).alias(name) for name in _FACTORS
        )
        .with_columns(
            minutes_best=minutes * pl.col("best_case"),
            minutes_likely=minutes * pl.col("likely"),
            minutes_worst=minutes * pl.col("worst_case"),
            saving_credits=per_month * (1 - ratio * pl.col("likely")),
            saving_usd=per_month * price * (1 - ratio * pl.col("likely")),
            saving_low_usd=per_month * price * (1 - ratio * pl.col("worst_case")),
            saving_high_usd=per_month * price * (1 - ratio * pl.col("best_case")),
        )
        .with_columns(advice=_advice())
    )  # fmt: skip


def _spread(name: str, sampled: pl.Expr, otherwise: pl.Expr) -> pl.Expr:
    return sampled * pl.col(name) + (1 - sampled) * otherwise


def _advice() -> pl.Expr:
    other_generation = pl.col("k") == 1
    # How fast another generation is, no export says: a cheaper one is worth trying, a dearer one where the CPU is full.
    worth_trying = (pl.col("ratio") < 1) | (pl.col("cpu_median") >= 90)
    return (
        pl.when("refused")
        .then(pl.lit("refused"))
        .when(other_generation)
        .then(pl.when(worth_trying).then(pl.lit("try")).otherwise(pl.lit("stay")))
        .when(pl.col("ratio") * pl.col("worst_case") < 1)
        .then(pl.lit("move"))
        .when(pl.col("ratio") * pl.col("likely") < 1)
        .then(pl.lit("try"))
        .otherwise(pl.lit("stay"))
    )


def _is_best() -> pl.Expr:
    """Whether a candidate likely saves most of those of its job and class; of several, what risks least.

    One of them at most: savings of the best are added up.
    """
    saving = pl.when(pl.col("advice").is_in(["move", "try"])).then(pl.col("saving_credits").round(6))
    order = (saving, pl.col("advice") == "move", "candidate_vcpus", "candidate_ram_gb", "candidate")
    first = pl.col("candidate").sort_by(order, descending=[True] * 4 + [False], nulls_last=True).first()
    return (saving.is_not_null() & (pl.col("candidate") == first.over("key"))).fill_null(value=False)
