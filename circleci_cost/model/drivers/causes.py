"""The root causes of a change in cost in the tree of organizations, projects, workflows and jobs.

For each node it is measured how much better a change of the whole node explains the figures than chance does; the root
is the node that neither its ancestors nor its descendants beat. Why the cost changed there is `decomposition`'s job.

Two things can change as a whole. The *volume* is the number of runs: counts are compared on a square-root scale, on
which they scatter alike; the jobs of a workflow mostly run together, so the workflow is counted, and a job as far as it
differs. The *rate* is the cost of a
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
from circleci_cost.model.drivers.significance import COMPONENTS, joined, moved_nodes, with_scatter
from circleci_cost.model.usage.dimensions import HIERARCHY

LEVELS = HIERARCHY

FALSE_CAUSES = 0.1
"""The accepted probability that chance alone makes a cause in a whole tree; more jobs make the limit of z stricter."""

# Causes below this share of the whole cost, or of the largest cause, are not reported.
_LEAST_OF_WHOLE = 0.005
_LEAST_OF_LARGEST = 0.1
_PROJECT = HIERARCHY[2]
# A price is known and needs no judging.
_JUDGED = ("volume", "rate")


def root_causes(
    rows: pl.DataFrame, levels: Sequence[str] = LEVELS, limit: int = 3, scatter: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The largest causes of a change, each at the node of the tree that explains it as a whole.

    In: the result of `decomposition.decompose` by `levels`, outermost first, and of `scatter.usual_scatter` by the same
    (None, or a job that is missing: jobs scatter as most do). Seats belong to no job and are left out.

    Out, ordered by the effect less the part that chance may explain, largest first: `rank` from 1, `levels` (null below
    the cause's own), `z` (infinite for a price), `driver` and its `effect_usd`, `share` of the change of all rows, and
    `EFFECT_SCHEMA` of the whole node. The node of one cause may contain that of another, such as a cost center
    with a new price. A change within the usual scatter of the runs has no cause and no row.
    """
    inside = _without_seats(rows, levels)
    causes = _ranked(_moved(inside, levels, scatter), inside, levels, _limit(inside)).head(limit)
    return _table(inside, levels, causes, float(rows.get_column("change_usd").sum() or 0))


def likeliest_cause(
    rows: pl.DataFrame, levels: Sequence[str] = LEVELS, scatter: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The first of `root_causes`; where there is none, the node that stands out most from chance, if any does at all.

    For a change that is known to have a cause, such as that of an incident; the limit of z is that of a single job.
    """
    inside = _without_seats(rows, levels)
    moved = _moved(inside, levels, scatter)
    likeliest = _ranked(moved, inside, levels, _limit(inside)).head(1)
    if likeliest.is_empty():
        likeliest = _ranked(moved, inside, levels, z_limit(1)).head(1)
    return _table(inside, levels, likeliest, float(rows.get_column("change_usd").sum() or 0))


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


def _without_seats(rows: pl.DataFrame, levels: Sequence[str]) -> pl.DataFrame:
    return rows.filter(pl.col(_PROJECT).ne_missing(SEATS)) if _PROJECT in levels else rows


def _least(rows: pl.DataFrame) -> float:
    """The smallest effect in USD that is reported."""
    return _LEAST_OF_WHOLE * float(rows.get_column("before_usd").sum())


def _limit(rows: pl.DataFrame) -> float:
    """The limit of z for these jobs: what is too small to be reported is no trial of chance either."""
    large = pl.max_horizontal(pl.col("before_usd", "after_usd").abs()).cast(pl.Float64) >= _least(rows)
    return z_limit(rows.filter(large).height)


def _moved(rows: pl.DataFrame, levels: Sequence[str], scatter: pl.DataFrame | None) -> list[list[pl.DataFrame]]:
    """The nodes of `significance.moved_nodes` for volume and rate."""
    jobs = with_scatter(rows, levels, scatter)
    known = scatter is not None
    return [moved_nodes(jobs, levels, name, is_scatter_known=known) for name in _JUDGED]


def _ranked(
    moved: Sequence[Sequence[pl.DataFrame]], rows: pl.DataFrame, levels: Sequence[str], limit_z: float
) -> pl.DataFrame:
    """The nodes that are causes beyond a limit of z, in the order of `root_causes`."""
    local = [_local(tree, levels, name, limit_z) for name, tree in zip(_JUDGED, moved, strict=True)]
    candidates = pl.concat([*local, _prices(rows, levels)])
    size = pl.col("effect").abs()
    return candidates.filter((size >= _least(rows)) & (size >= _LEAST_OF_LARGEST * size.max())).sort(
        size * (1 - (limit_z / pl.col("z")) ** 2),
        *levels,
        "component",
        descending=[True, *(False for _ in levels), False],
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


def _local(tree: Sequence[pl.DataFrame], levels: Sequence[str], component: str, limit: float) -> pl.DataFrame:
    """The topmost nodes beyond the limit of z that explain a component as well as anything below them."""
    explains = (pl.col("gain") > limit**2) & (pl.col("gain") >= pl.col("below"))
    candidates = []
    above = tree[0].select(covered=pl.lit(value=False))
    for depth, nodes in enumerate(tree):
        inside = joined(nodes, above, list(levels[: max(0, depth - 1)]))
        candidates.append(_candidates(inside.filter(explains & ~pl.col("covered")), levels, depth, component))
        above = inside.select(*levels[:depth], covered=explains | pl.col("covered"))
    return pl.concat(candidates)
