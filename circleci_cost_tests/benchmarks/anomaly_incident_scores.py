"""Scores of a table of incidents against the causes: which causes were reported, which incidents have none.

Alarms of single series are scored in `anomaly_scores`; causes come from `anomaly_labels`.

An incident is **about** an event of its organization and direction where its days and the event's (first day to `ends`)
overlap, it was not reported before the event began, and one of the two series lies within the other. It is right where
it is about a cause: an event of at least 5 % of the organization's usual daily cost. About a smaller event, or in the
ten days after an event ended and in the other direction, it counts neither way. Every other incident is false. Beside a
price change the kind decides: an incident that could be about the price and about another cause is about the price
where it is called a price change, and about the other one elsewhere. A cause is found where an incident is about it;
its delay is the days from its first day to the first `told_on`, and it is late by the days since it had grown to 5 %,
if any (these differ for drifts). Why a cause was missed is `anomaly_incident_misses`' job.
"""

import polars as pl

from circleci_cost_tests.benchmarks.anomaly_incident_misses import MISSES, misses, within
from circleci_cost_tests.benchmarks.anomaly_labels import CAUSE_FROM, ECHO_DAYS, KNOWN, PRICE_CHANGE
from circleci_cost_tests.benchmarks.anomaly_rhythms import YEAR_END
from circleci_cost_tests.benchmarks.anomaly_scores import UNSCORED_DAYS, alarms_of
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet
from circleci_cost_tests.benchmarks.anomaly_tables import FIRST, LAST

BESIDE_PRICE, AT_YEAR_END = "beside a price change", "at the year's end"
_CLOSE_DAYS = 7
_DAYS_PER_MONTH = 365.25 / 12


def incident_counts(incidents: pl.DataFrame, labelled: LabelledSet, detected: pl.DataFrame) -> pl.DataFrame:
    """Count causes and incidents of one set, to be added up over sets and handed to `incident_figures`.

    In: `organization`, `series`, `kind`, `first_day`, `last_day`, `direction`, `told_on`, other columns are ignored;
    `detected`: the days in which misses are looked for. Out: `slice` (all, the kinds, `BESIDE_PRICE`,
    `AT_YEAR_END`), `causes`, `found`, `delay_days`
    and `late_days` (their sums), `twice` (causes with more than one incident), one column for each of `MISSES`,
    `right`, `neither`, `false`, `days` (of organizations).
    """
    scored_from = pl.lit(FIRST) + pl.duration(days=UNSCORED_DAYS)
    known = incidents.with_columns(pl.col("organization", "series", "kind", "direction").cast(pl.String))
    scored = known.filter(pl.col("first_day") >= scored_from).with_row_index("incident")
    events = labelled.causes.with_columns(is_cause().alias("is_cause"))
    causes = events.filter(pl.col("is_cause"), pl.col("first_day") >= scored_from)
    pairs = scored.join(events, on="organization", suffix="_of_event").filter(_related())
    same = pl.col("direction") == pl.col("direction_of_event")
    overlap = (pl.col("first_day") <= pl.col("ends")) & (pl.col("last_day") >= pl.col("first_day_of_event"))
    echo = pl.col("first_day").is_between(
        pl.col("over") + pl.duration(days=1), pl.col("over") + pl.duration(days=ECHO_DAYS)
    )
    about = pairs.filter(same & overlap & (pl.col("told_on") >= pl.col("first_day_of_event")))
    right = _beside_prices(about.filter(pl.col("is_cause")))
    neither = (
        pl.concat([about, pairs.filter(~same & echo)]).join(right, on="incident", how="anti")["incident"].n_unique()
    )
    first = right.group_by("event").agg(
        (pl.col("told_on").min() - pl.col("first_day_of_event").first()).dt.total_days().alias("delay_days"),
        (pl.col("told_on").min() - pl.col("grown").first()).dt.total_days().clip(0).alias("late_days"),
        (pl.len() > 1).cast(pl.Int64).alias("twice"),
    )
    missed = misses(causes.join(first, on="event", how="anti"), known, alarms_of(detected))
    by_cause = (
        causes.join(first, on="event", how="left")
        .join(missed, on="event", how="left")
        .select(
            "kind",
            pl.col("event").is_in(_close_to_prices(causes).implode()).alias(BESIDE_PRICE),
            pl.col("first_day").is_between(*YEAR_END).alias(AT_YEAR_END),
            pl.lit(1, pl.Int64).alias("causes"),
            pl.col("delay_days").is_not_null().cast(pl.Int64).alias("found"),
            pl.col("delay_days", "late_days", "twice").fill_null(0),
            *((pl.col("miss") == name).fill_null(False).cast(pl.Int64).alias(name) for name in MISSES),
        )
    )
    number_right = right["incident"].n_unique()
    organizations = labelled.countries.height
    of_slices = pl.all().exclude("kind", BESIDE_PRICE, AT_YEAR_END).sum()
    whole = by_cause.select(pl.lit("all").alias("slice"), of_slices)
    return pl.concat(
        [
            whole.with_columns(
                pl.lit(number_right, pl.Int64).alias("right"),
                pl.lit(neither, pl.Int64).alias("neither"),
                pl.lit(scored.height - number_right - neither, pl.Int64).alias("false"),
                pl.lit(organizations * ((LAST - FIRST).days + 1 - UNSCORED_DAYS), pl.Int64).alias("days"),
            ),
            by_cause.group_by(pl.col("kind").alias("slice")).agg(of_slices).sort("slice"),
            *(
                by_cause.filter(name).select(pl.lit(name).alias("slice"), of_slices)
                for name in (BESIDE_PRICE, AT_YEAR_END)
            ),
        ],
        how="diagonal",
    )


def incident_figures(counted: list[pl.DataFrame]) -> pl.DataFrame:
    """Add up the counts of some sets.

    Out: `slice`, `causes`, `recall`, `precision`, `false_per_organization_month`, `repeats` (the share of the found
    causes that were reported twice or more), `delay_days`, `late_days` (means), and the numbers of `MISSES`.
    """
    right, wrong = pl.col("right"), pl.col("false")
    return (
        pl.concat(counted)
        .group_by("slice", maintain_order=True)
        .agg(pl.all().sum())
        .select(
            "slice",
            "causes",
            (pl.col("found") / pl.col("causes")).alias("recall"),
            pl.when(pl.col("days") > 0).then(right / (right + wrong)).alias("precision"),
            pl.when(pl.col("days") > 0)
            .then(_DAYS_PER_MONTH * wrong / pl.col("days"))
            .alias("false_per_organization_month"),
            (pl.col("twice") / pl.col("found")).alias("repeats"),
            *((pl.col(name) / pl.col("found")).alias(name) for name in ("delay_days", "late_days")),
            *MISSES,
        )
    )


def is_cause() -> pl.Expr:
    """The `causes` of a set that incidents should report."""
    return ~pl.col("kind").is_in(KNOWN) & (pl.col("organization_share").abs() >= CAUSE_FROM)


def _close_to_prices(causes: pl.DataFrame) -> pl.Series:
    """Return the events within a week of a price change of their organization, and those price changes themselves."""
    prices = causes.filter(pl.col("kind") == PRICE_CHANGE).select("organization", price="event", changed="first_day")
    apart = (pl.col("first_day") - pl.col("changed")).dt.total_days().abs()
    close = causes.join(prices, on="organization").filter(pl.col("event") != pl.col("price"), apart <= _CLOSE_DAYS)
    return pl.concat([close["event"], close["price"].alias("event")]).unique()


def _beside_prices(right: pl.DataFrame) -> pl.DataFrame:
    """Let the kind decide where an incident could be about a price change and about another cause."""
    of_price = pl.col("kind_of_event") == PRICE_CHANGE
    ambiguous = of_price.any().over("incident") & ~of_price.all().over("incident")
    return right.filter(~ambiguous | ((pl.col("kind") == PRICE_CHANGE) == of_price))


def _related() -> pl.Expr:
    """Whether one of the series of incident and event is the other or lies within it."""
    return within("series", "series_of_event") | within("series_of_event", "series")
