"""How far each node of the tree of jobs moved, held against what chance does: the volume of runs, and their rate.

Which node is the cause of a change is `causes`' question; how much jobs usually scatter is `scatter`'s.
"""

from collections.abc import Sequence

import polars as pl

from circleci_cost.model.drivers.scatter import USUAL_COUNTS, USUAL_RUNS

COMPONENTS = {
    "volume": ("runs", "new", "vanished"),
    "rate": ("minutes_per_run", "credits_per_minute"),
    "price": ("price",),
}
"""What can change as a whole, and the drivers that express it."""

# The baseline is the mean of four weeks, which scatters by a quarter.
_BASELINE_SHARE = 0.25
# Beyond what days do one by one, the runs of a period scatter by this, and the cost of a run.
_DAY_SCATTER = 0.1
_RATE_SCATTER = 0.03
# The scatter that a comparison itself shows corrects what is expected, within these bounds; narrower ones where the
# scatter of each job is known. Chosen with the constants above on the seeds 1 to 900 of the benchmark.
_ENOUGH_UNITS = 10
_UNKNOWN_SCATTER, _KNOWN_SCATTER = (0.5, 1.5), (0.7, 1.2)
_MEDIAN_TO_DEVIATION = 1.4826
# Jobs that tell less of how far their workflow moved, as a share of the job that tells most, are too noisy to ask; two
# are always asked, since one alone cannot show whether it moved with its workflow.
_LEAST_INFORMATION = 0.2
_ASKED = 2


def with_scatter(rows: pl.DataFrame, levels: Sequence[str], scatter: pl.DataFrame | None) -> pl.DataFrame:
    """Add `count_variance` and `run_variance` of `scatter.usual_scatter`; the usual ones where a job has none."""
    usual = {"count_variance": USUAL_COUNTS, "run_variance": USUAL_RUNS}
    if scatter is None:
        return rows.with_columns(pl.lit(value).alias(name) for name, value in usual.items())
    joined = rows.join(scatter.select(*levels, *usual), list(levels), "left", nulls_equal=True)
    return joined.with_columns(pl.col(name).fill_null(value) for name, value in usual.items())


def moved_nodes(
    rows: pl.DataFrame, levels: Sequence[str], component: str, *, is_scatter_known: bool
) -> list[pl.DataFrame]:
    """The nodes of each depth, from the whole to the jobs: key, `effect` in USD, `z`, `gain` (z²), and `below`.

    In: the result of `with_scatter`, and one of `COMPONENTS` but the price. `below` is the largest gain below a node.
    """
    jobs, units = _volumes(rows, levels) if component == "volume" else [_rates(rows)] * 2
    scatter = _scatter(units, _KNOWN_SCATTER if is_scatter_known else _UNKNOWN_SCATTER)
    tree: list[pl.DataFrame] = []
    for depth in range(len(levels), -1, -1):
        key = list(levels[:depth])
        parts = jobs if depth == len(levels) else units
        sums = [
            pl.col("effect").sum(),
            (pl.col("size") * pl.col("moved") / pl.col("variance")).sum().alias("score"),
            (pl.col("size") ** 2 / pl.col("variance")).sum().alias("information"),
        ]
        nodes = parts.group_by(key).agg(sums) if key else parts.select(sums)
        z = pl.when(pl.col("information") > 0).then(pl.col("score") / pl.col("information").sqrt()).otherwise(0.0)
        nodes = nodes.with_columns(z=z / scatter).with_columns(gain=pl.col("z") ** 2)
        if tree:
            best = pl.max_horizontal("gain", "below").max().alias("below")
            below = tree[-1].group_by(key).agg(best) if key else tree[-1].select(best)
            tree.append(joined(nodes, below, key))
        else:
            tree.append(nodes.with_columns(below=pl.lit(0.0)))
    return tree[::-1]


def _scatter(units: pl.DataFrame, bounds: tuple[float, float]) -> float:
    """How much more or less than expected the units of this comparison scatter; the median ignores single causes."""
    with_size = units.filter(pl.col("size") > 0)
    if with_size.height < _ENOUGH_UNITS:
        return 1.0
    z = (pl.col("moved") / pl.col("variance").sqrt()).abs().median() * _MEDIAN_TO_DEVIATION
    return float(with_size.select(z.clip(*bounds)).item())


def _volumes(rows: pl.DataFrame, levels: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How far runs moved on the square-root scale: of jobs relative to their workflow, and of workflows.

    A workflow moved as far as its median job (of two, the one that moved less); a job only counts as far as it differs.
    """
    before, after = pl.col("runs_before").clip(0), pl.col("runs_after").clip(0)
    middle = (before + after) / 2
    jobs = rows.with_columns(
        effect=_effect("volume"),
        moved=2 * (after.sqrt() - before.sqrt()),
        size=middle.sqrt(),
        variance=pl.col("count_variance") * (1 + _BASELINE_SHARE) + _DAY_SCATTER**2 * middle,
    )
    key: list[str | pl.Expr] = list(levels[:-1]) or [pl.lit(0)]
    factor = pl.col("moved") / pl.col("size")
    information = pl.col("size") ** 2 / pl.col("variance")
    telling = (information >= _LEAST_INFORMATION * information.max()) | (
        information.rank("ordinal", descending=True) <= _ASKED
    )
    known = factor.filter((pl.col("size") > 0) & telling)
    common = known.sort_by(known.abs()).get((known.len() - 1) // 2, null_on_oob=True).fill_null(0.0)
    workflows = jobs.group_by(key).agg(
        pl.col("effect").sum(),
        pl.col("size").max(),
        pl.col("variance").get(pl.col("size").arg_max()),
        moved=common * pl.col("size").max(),
    )
    shifted = jobs.with_columns(moved=pl.col("moved") - common.over(key) * pl.col("size"))
    return shifted, workflows


def _rates(rows: pl.DataFrame) -> pl.DataFrame:
    """How far the cost of a run has moved on the logarithmic scale."""
    cost = (pl.col("before_usd") + pl.col("after_usd")).cast(pl.Float64) / 2
    both = (pl.col("runs_before") > 0) & (pl.col("runs_after") > 0) & (cost > 0)
    effect = _effect("rate")
    return rows.with_columns(
        effect=effect,
        moved=pl.when(both).then(effect / cost).otherwise(0.0),
        size=pl.when(both).then(1.0).otherwise(0.0),
        variance=pl.when(both)
        .then(
            pl.col("run_variance") * (1 / pl.col("runs_after") + _BASELINE_SHARE / pl.col("runs_before"))
            + _RATE_SCATTER**2
        )
        .otherwise(1.0),
    )


def _effect(component: str) -> pl.Expr:
    return pl.sum_horizontal(pl.col(name).cast(pl.Float64) for name in COMPONENTS[component])


def joined(nodes: pl.DataFrame, other: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Join the columns of `other` by `key`; without a key it has one row, which is joined to every node."""
    return nodes.join(other, key, "left", nulls_equal=True) if key else nodes.join(other, how="cross")
