"""The root causes of a change in cost in the tree of organizations, projects, workflows and jobs.

For each node it is measured how much better a change of the whole node explains the figures than chance does; the root
is the node that neither its ancestors nor its descendants beat. Why the cost changed there is `decomposition`'s job.

Two things can change as a whole. The *volume* is the number of runs: counts are compared on a square-root scale, on
which they scatter alike; the jobs of a workflow run together, so the workflow is counted. The *rate* is the cost of a
run at the same price: it scatters much less, so that longer runs and larger classes show at once. The squared z of a
common change of several parts is that of generalised least squares. A new price is known, and applies to a whole cost
center.
"""

from collections.abc import Sequence
from statistics import NormalDist

import polars as pl

from circleci_cost.model.drivers.decomposition import EFFECT_SCHEMA
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.leaves import MONEY
from circleci_cost.model.drivers.seats import SEATS
from circleci_cost.model.usage.dimensions import HIERARCHY

LEVELS = HIERARCHY

FALSE_CAUSES = 0.1
"""The accepted probability that chance alone makes a cause in a whole tree; more jobs make the limit of z stricter."""

COMPONENTS = {
    "volume": ("runs", "new", "vanished"),
    "rate": ("minutes_per_run", "credits_per_minute"),
    "price": ("price",),
}
"""What can change as a whole, and the drivers that express it."""

# Pipelines come in bursts: counts of runs vary by more than a Poisson's 1 on the square-root scale; the baseline is the
# mean of four weeks.
_COUNT_VARIANCE = 1.5 * 1.25
_DAY_SCATTER = 0.08
# The logarithm of a run's cost scatters by this within a job, and the mean of its days beyond that.
_RUN_SCATTER = 0.35
_RATE_SCATTER = 0.03
# The scatter that a comparison itself shows corrects what is expected, within these bounds.
_ENOUGH_UNITS = 10
_SCATTER_RANGE = (0.4, 3.0)
_MEDIAN_TO_DEVIATION = 1.4826
# A node must explain the figures better by this much (in z²) to be preferred to its parent.
_PARSIMONY = 3.0
# Causes below this share of the whole cost, or of the largest cause, are not reported.
_LEAST_OF_WHOLE = 0.005
_LEAST_OF_LARGEST = 0.1
_PROJECT = HIERARCHY[2]


def root_causes(rows: pl.DataFrame, levels: Sequence[str] = LEVELS, limit: int = 3) -> pl.DataFrame:
    """The largest causes of a change, each at the node of the tree that explains it as a whole.

    In: the result of `decomposition.decompose` by `levels`, outermost first. Seats belong to no job and are left out.

    Out, ordered by the effect less the part that chance may explain, largest first: `rank` from 1, `levels` (null below
    the cause's own), `z` (infinite for a price), `driver` and its `effect_usd`, `share` of the change of all rows, and
    `EFFECT_SCHEMA` of the whole node. The node of one cause may contain that of another, such as a cost center
    with a new price. A change within the usual scatter of the runs has no cause and no row.
    """
    inside = rows.filter(pl.col(_PROJECT).ne_missing(SEATS)) if _PROJECT in levels else rows
    limit_z = z_limit(inside.height)
    candidates = pl.concat(
        [*(_local(inside, levels, name, limit_z) for name in ("volume", "rate")), _prices(inside, levels)]
    )
    least = _LEAST_OF_WHOLE * float(inside.get_column("before_usd").sum())
    size = pl.col("effect").abs()
    worth_reporting = candidates.filter((size >= least) & (size >= _LEAST_OF_LARGEST * size.max())).sort(
        size * (1 - (limit_z / pl.col("z")) ** 2),
        *levels,
        "component",
        descending=[True, *(False for _ in levels), False],
    )
    return _table(inside, levels, worth_reporting.head(limit), float(rows.get_column("change_usd").sum() or 0))


def z_limit(jobs: int) -> float:
    """Return the limit of z for the nodes of a tree with this many jobs, by Bonferroni's correction.

    It covers both directions, of volume and of rate: 2.0 for one job, 3.3 for fifty, 4.6 for ten thousand.
    """
    return NormalDist().inv_cdf(1 - FALSE_CAUSES / 4 / max(1, jobs))


def added_up(rows: pl.DataFrame) -> pl.DataFrame:
    """One row of `EFFECT_SCHEMA` for all: sums, and class and price of the row in which they had the largest effect."""
    sums = [name for name in EFFECT_SCHEMA if not name.startswith(("class_", "price_"))]
    leading = {
        **dict.fromkeys(("class_from", "class_to", "class_share"), ("credits_per_minute", "class_to")),
        **dict.fromkeys(("price_before", "price_after"), ("price", "price_after")),
    }
    return (
        rows.select(
            *(pl.col(name).sum() for name in sums),
            *(
                pl.col(name)
                .sort_by(
                    pl.when(pl.col(known).is_not_null()).then(pl.col(driver).abs()), descending=True, nulls_last=True
                )
                .first()
                for name, (driver, known) in leading.items()
            ),
        )
        .select(EFFECT_SCHEMA.names())
        .cast(EFFECT_SCHEMA)
    )


def _table(rows: pl.DataFrame, levels: Sequence[str], causes: pl.DataFrame, whole: float) -> pl.DataFrame:
    """The rows of the causes, in their order."""
    schema = {
        "rank": pl.UInt32(),
        **{name: pl.String() for name in levels},
        "z": pl.Float64(),
        **dict(EFFECT_SCHEMA),
        "driver": pl.String(),
        "effect_usd": MONEY,
        "share": pl.Decimal(18, 6),
    }
    tables = [pl.DataFrame(schema=schema)]
    for rank, cause in enumerate(causes.to_dicts(), start=1):
        path = _to_the_fork(rows, levels, {level: cause[level] for level in levels[: cause["depth"]]})
        node = added_up(rows.filter(_inside(path)))
        effects = {name: node.item(0, name) for name in COMPONENTS[cause["component"]]}
        driver = max(effects, key=lambda name: (abs(effects[name]), -DRIVERS.index(name)))
        share = float(node.item(0, "change_usd")) / whole if whole else None
        columns = {"rank": rank, **{level: path.get(level) for level in levels}, "z": cause["z"], "driver": driver}
        columns |= {
            "effect_usd": effects[driver],
            "share": None if share is None else max(-999_999, min(share, 999_999)),
        }
        described = pl.DataFrame(
            [columns], schema_overrides={name: pl.String for name in levels} | {"share": pl.Float64}
        )
        tables.append(pl.concat([described, node], how="horizontal").select(*schema).cast(pl.Schema(schema)))
    return pl.concat(tables)


def _to_the_fork(rows: pl.DataFrame, levels: Sequence[str], path: dict[str, str | None]) -> dict[str, str | None]:
    """Extend the path as long as its node has a single child, which is then the same thing."""
    longest = dict(path)
    for level in levels[len(path) :]:
        children = rows.filter(_inside(longest)).get_column(level).unique()
        if len(children) != 1:
            break
        longest[level] = children.item()
    return longest


def _inside(path: dict[str, str | None]) -> pl.Expr:
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(level).eq_missing(pl.lit(value, pl.String)) for level, value in path.items())
    )


def _prices(rows: pl.DataFrame, levels: Sequence[str]) -> pl.DataFrame:
    """The cost centers whose price has changed, or the whole if the tree has no cost centers."""
    center = list(levels[:1]) if list(levels[:1]) == list(HIERARCHY[:1]) else []
    depth = len(center)
    sums = rows.group_by(center).agg(pl.col("price").sum()) if center else rows.select(pl.col("price").sum())
    return _candidates(
        sums.filter(pl.col("price") != 0).with_columns(z=pl.lit(float("inf")), effect=pl.col("price")),
        levels,
        depth,
        "price",
    )


def _candidates(nodes: pl.DataFrame, levels: Sequence[str], depth: int, component: str) -> pl.DataFrame:
    return nodes.select(
        *(pl.col(name) if place < depth else pl.lit(None, pl.String).alias(name) for place, name in enumerate(levels)),
        depth=pl.lit(depth),
        component=pl.lit(component),
        z=pl.col("z").cast(pl.Float64),
        effect=pl.col("effect").cast(pl.Float64),
    )


def _local(rows: pl.DataFrame, levels: Sequence[str], component: str, limit: float) -> pl.DataFrame:
    """The topmost nodes beyond the limit of z that explain a component as well as anything below them."""
    tree = _tree(rows, levels, component)
    explains = (pl.col("gain") > limit**2) & (pl.col("gain") + _PARSIMONY >= pl.col("below"))
    candidates = []
    above = tree[0].select(covered=pl.lit(value=False))
    for depth, nodes in enumerate(tree):
        inside = _joined(nodes, above, list(levels[: max(0, depth - 1)]))
        candidates.append(_candidates(inside.filter(explains & ~pl.col("covered")), levels, depth, component))
        above = inside.select(*levels[:depth], covered=explains | pl.col("covered"))
    return pl.concat(candidates)


def _joined(nodes: pl.DataFrame, other: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Join the columns of `other` by `key`; without a key it has one row, which is joined to every node."""
    return nodes.join(other, key, "left", nulls_equal=True) if key else nodes.join(other, how="cross")


def _tree(rows: pl.DataFrame, levels: Sequence[str], component: str) -> list[pl.DataFrame]:
    """The nodes of each depth, from the whole to the jobs: key, `effect` in USD, `z`, `gain` (z²), and `below`."""
    jobs, units = _volumes(rows, levels) if component == "volume" else [_rates(rows)] * 2
    scatter = _scatter(units)
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
            tree.append(_joined(nodes, below, key))
        else:
            tree.append(nodes.with_columns(below=pl.lit(0.0)))
    return tree[::-1]


def _scatter(units: pl.DataFrame) -> float:
    """How much more or less than expected the units of this comparison scatter; the median ignores single causes."""
    with_size = units.filter(pl.col("size") > 0)
    if with_size.height < _ENOUGH_UNITS:
        return 1.0
    z = (pl.col("moved") / pl.col("variance").sqrt()).abs().median() * _MEDIAN_TO_DEVIATION
    return float(with_size.select(z.clip(*_SCATTER_RANGE)).item())


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
        variance=_COUNT_VARIANCE + _DAY_SCATTER**2 * middle,
    )
    key: list[str | pl.Expr] = list(levels[:-1]) or [pl.lit(0)]
    factor = pl.col("moved") / pl.col("size")
    known = factor.filter(pl.col("size") > 0)
    common = known.sort_by(known.abs()).get((known.len() - 1) // 2, null_on_oob=True).fill_null(0.0)
    workflows = jobs.group_by(key).agg(
        pl.col("effect").sum(), pl.col("size", "variance").max(), moved=common * pl.col("size").max()
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
        .then(_RUN_SCATTER**2 * (1 / pl.col("runs_after") + 0.25 / pl.col("runs_before")) + _RATE_SCATTER**2)
        .otherwise(1.0),
    )


def _effect(component: str) -> pl.Expr:
    return pl.sum_horizontal(pl.col(name).cast(pl.Float64) for name in COMPONENTS[component])
