"""The words of a piece of advice: why, and at which risk. The figures are `advice`'s, tables the commands'."""

import polars as pl

_AT_LIMIT, _SATURATED, _FEW_RUNS, _UNSAMPLED = 90, 95, 100, 0.2
_AND = "; "


def risk() -> pl.Expr:
    """What speaks against relying on the figures or on the class; NULL where nothing does."""
    pieces = [
        pl.when(pl.col("ram_max") >= _AT_LIMIT).then(pl.format("memory at the limit ({} %)", _whole("ram_max"))),
        pl.when(pl.col("cpu_p95") >= _SATURATED).then(pl.format("CPU saturated ({} %)", _whole("cpu_p95"))),
        pl.when(pl.col("runs") < _FEW_RUNS).then(pl.format("few runs ({})", "runs")),
        pl.when(pl.col("unsampled_share") >= _UNSAMPLED).then(
            pl.format("{} % of the runs without samples", (100 * pl.col("unsampled_share")).round().cast(pl.Int64))
        ),
    ]
    words = pl.concat_str(pieces, separator=_AND, ignore_nulls=True)
    return pl.when(words != "").then(words)


def reason() -> pl.Expr:
    """Why the advice is what it is, one sentence without a full stop."""
    return (
        pl.when("unknown")
        .then(
            pl.format(
                "the size of {} {} is not known; add it with vcpus and ram_gb under [[resource_class_rates]]",
                "executor",
                pl.col("resource_class").fill_null("(none)"),
            )
        )
        .when("gpu")
        .then(pl.lit("how far the GPUs are used, no export says"))
        .when("too_few")
        .then(
            pl.format(
                "too few samples: {} of {} runs have any, {} % of the time",
                "sampled_runs",
                "runs",
                (100 * pl.col("sampled_seconds") / pl.col("run_seconds")).round().cast(pl.Int64),
            )
        )
        .when("too_small")
        .then(
            pl.format(
                "needs up to {} GB of RAM and a fifth to spare; {} has {} GB",
                pl.col("ram_needed_gb").round(1),
                "candidate",
                pl.col("candidate_ram_gb").round(1),
            )
        )
        .when(pl.col("k") == 1)
        .then(
            pl.format(
                "how fast another generation is, no export says; it pays below {} min a run",
                pl.col("break_even_minutes").round(2),
            )
        )
        .when(pl.col("advice") == "stay")
        .then(pl.format("likely {} min a run; it would pay below {} min", *_minutes()))
        .when(pl.col("advice") == "try")
        .then(pl.format("likely {} min a run, pays below {} min, but at worst takes {} min", *_minutes(), _worst()))
        .otherwise(pl.format("at worst {} min a run, and it pays below {} min", _worst(), _minutes()[1]))
    )


def _minutes() -> tuple[pl.Expr, pl.Expr]:
    return pl.col("minutes_likely").round(2), pl.col("break_even_minutes").round(2)


def _worst() -> pl.Expr:
    return pl.col("minutes_worst").round(2)


def _whole(name: str) -> pl.Expr:
    return pl.col(name).round().cast(pl.Int64)
