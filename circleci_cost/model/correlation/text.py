"""The sentences about correlations and shifts; none says that one thing caused another.

Deciding what is significant is `correlation`'s and `event_study`'s job.
"""

import polars as pl

FINDING_HEADER = ("infrastructure", "CI", "moved", "when", "r", "q", "days")
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")


def lag_words(lag: pl.Expr) -> pl.Expr:
    """A lag in words: 'on the same day', 'one day later', 'two days earlier' (the infrastructure, than CI)."""
    size = lag.abs()
    words = size.replace_strict(
        range(1, len(_NUMBERS) + 1), _NUMBERS, default=size.cast(pl.String), return_dtype=pl.String
    )
    days = pl.concat_str(words, pl.when(size == 1).then(pl.lit(" day ")).otherwise(pl.lit(" days ")))
    side = pl.when(lag > 0).then(pl.lit("later")).otherwise(pl.lit("earlier"))
    return pl.when(lag == 0).then(pl.lit("on the same day")).otherwise(pl.concat_str(days, side))


def probability_words(name: str, value: pl.Expr) -> pl.Expr:
    """A probability in words: 'p = 0.41', 'q = 0.003', 'q < 0.001'."""
    rounded = pl.when(value < 0.0095).then(fixed(value, 3)).otherwise(fixed(value, 2))
    return (
        pl.when(value < 0.001).then(pl.lit(f"{name} < 0.001")).otherwise(pl.concat_str(pl.lit(f"{name} = "), rounded))
    )


def pair_sentences(tested: pl.Expr, significant: pl.Expr, weak: pl.Expr, reason: pl.Expr, largest_q: float) -> pl.Expr:
    """A sentence for each pair, from the columns of `correlation.correlate` and the reason why a pair was not tested.

    `weak` marks pairs that are unlikely by chance, but too loosely connected to be reported as a finding.
    """
    r, p, q = pl.col("r"), pl.col("p_value"), pl.col("q_value")
    verb = pl.when(r >= 0).then(pl.lit(" moved with ")).otherwise(pl.lit(" moved against "))
    figures = pl.concat_str(pl.lit(" (r = "), fixed(r, 2), pl.lit(", "), probability_words("q", q), pl.lit(")"))
    moved = pl.concat_str(
        "infrastructure_series", verb, "ci_series", pl.lit(" "), lag_words(pl.col("lag_days")), figures
    )
    faintly = pl.concat_str(moved, pl.lit(": too weakly to tell anything from it"))
    # A small p needs the q beside it, which explains why the pair is no finding among so many.
    beside = pl.when(p < largest_q).then(pl.concat_str(pl.lit(", "), probability_words("q", q))).otherwise(pl.lit(""))
    chance = pl.concat_str(
        "infrastructure_series",
        pl.lit(" and "),
        "ci_series",
        pl.lit(": not distinguishable from chance ("),
        probability_words("p", p),
        beside,
        pl.lit(")"),
    )
    untested = pl.concat_str("infrastructure_series", pl.lit(" and "), "ci_series", pl.lit(": not tested, "), reason)
    return pl.when(~tested).then(untested).when(significant).then(moved).when(weak).then(faintly).otherwise(chance)


def shift_sentences(tested: pl.Expr, significant: pl.Expr, reason: pl.Expr) -> pl.Expr:
    """A sentence for each series on whether it shifted, from the columns of `event_study.event_study`."""
    step, p, q = pl.col("step"), pl.col("p_value"), pl.col("q_value")
    way = pl.when(step > 0).then(pl.lit(" rose by ")).otherwise(pl.lit(" fell by "))
    shifted = pl.concat_str(
        "series",
        way,
        fixed(step.abs() * 100, 0),
        pl.lit(" % on "),
        pl.col("date").cast(pl.String),
        pl.lit(" and stayed there ("),
        probability_words("q", q),
        pl.lit(")"),
    )
    chance = pl.concat_str(
        "series", pl.lit(": no shift distinguishable from chance ("), probability_words("p", p), pl.lit(")")
    )
    untested = pl.concat_str("series", pl.lit(": not tested, "), reason)
    return pl.when(~tested).then(untested).when(significant).then(shifted).otherwise(chance)


def finding_cells(findings: pl.DataFrame) -> list[tuple[str, ...]]:
    """The cells under `FINDING_HEADER` for each finding, a row of `correlation.SCHEMA`."""
    return findings.select(
        "infrastructure_series",
        "ci_series",
        pl.when(pl.col("r") >= 0).then(pl.lit("with it")).otherwise(pl.lit("against it")).alias("moved"),
        lag_words(pl.col("lag_days")).alias("when"),
        fixed(pl.col("r"), 2).alias("r"),
        probability_words("q", pl.col("q_value")).str.strip_prefix("q ").str.strip_prefix("= ").alias("q"),
        pl.col("days").cast(pl.String),
    ).rows()


def fixed(value: pl.Expr, decimals: int) -> pl.Expr:
    """Write a number with this many decimals and a real minus sign."""
    size = (value.abs() * 10**decimals).round().cast(pl.Int64)
    whole = (size // 10**decimals).cast(pl.String)
    if decimals:
        whole = pl.concat_str(whole, pl.lit("."), (size % 10**decimals).cast(pl.String).str.zfill(decimals))
    return pl.when((value < 0) & (size > 0)).then(pl.concat_str(pl.lit("−"), whole)).otherwise(whole)
