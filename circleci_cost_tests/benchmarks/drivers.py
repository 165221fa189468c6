"""Accuracy of the driver and the root cause named for a change in cost, exactness of the sums, and seconds.

    python -m circleci_cost_tests.benchmarks drivers [--cases N] [--first-seed N]

On simulated changes of known cause (`driver_cases`): runs of a project or workflow, longer or shorter jobs, another
class, another price, new and vanished series, each of at least 5 % of its organization's cost, compared with the same
weekdays of the four weeks before. The constants were chosen on the seeds 1 to 900, so take others. The driver is named
at the node where it happened; the root cause is right where the first one named is that node. A second table is of
companies whose jobs have counts of their own (`driver_jobs`): schedules, monthly batches, stops, several causes. Peers:
the sequential price-volume-mix decomposition per job and class, in two orders, and the descent to the child with most
of the change.
"""

import argparse
import time
from collections import Counter
from decimal import Context, Decimal

import numpy as np
import polars as pl

from circleci_cost.model.drivers.causes import added_up, root_causes
from circleci_cost.model.drivers.decomposition import decompose, with_leading_driver
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.leaves import CLASSES
from circleci_cost_tests.benchmarks.driver_cases import DRIVER, KINDS, LEVELS, Case, draw_case
from circleci_cost_tests.benchmarks.driver_jobs import KINDS as JOB_KINDS
from circleci_cost_tests.benchmarks.driver_jobs import NOTHING, draw_jobs_case

ORDERS = {
    "price first": ("price", "credits_per_minute", "minutes_per_run", "runs"),
    "price last": ("runs", "minutes_per_run", "credits_per_minute", "price"),
}
METHODS = ("LMDI", *ORDERS)
_WIDE = Context(prec=80)
_MONEY = pl.Decimal(38, 16)
_RANDOM_CASES, _LEAVES = 10_000, 100_000


def main(argv: list[str]) -> None:
    """Print the table of cases, the check of exactness and the seconds."""
    parser = argparse.ArgumentParser(prog="drivers", description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=1001)
    asked = parser.parse_args(argv)
    _named(asked.cases, asked.first_seed)
    _own_counts(asked.cases, asked.first_seed)
    _exact()
    _seconds()


def _named(count: int, seed: int) -> None:
    cases: list[Case] = []
    while len(cases) < count:
        case = draw_case(seed)
        cases += [case] if case else []
        seed += 1
    right: dict[str, Counter[str]] = {name: Counter() for name in (*METHODS, "root cause", "largest child")}
    differing = []
    for case in cases:
        rows = decompose(case.before, case.after, list(LEVELS))
        inside = rows.filter(_at(case.path))
        named = with_leading_driver(added_up(inside)).item(0, "driver")
        right["LMDI"][case.kind] += named == DRIVER[case.kind]
        before, after = (side.filter(_at(case.path)) for side in (case.before, case.after))
        effects = {name: _sequential(before, after, order) for name, order in ORDERS.items()}
        for name, effect in effects.items():
            right[name][case.kind] += _leading(effect) == DRIVER[case.kind]
        change = abs(float(inside.get_column("change_usd").sum()))
        first, last = effects.values()
        differing.append(sum(abs(first[name] - last[name]) for name in first) / 2 / change if change else 0.0)
        causes = root_causes(rows, LEVELS, scatter=case.scatter).to_dicts()
        path = tuple(causes[0][level] for level in LEVELS if causes[0][level] is not None) if causes else ()
        right["root cause"][case.kind] += path == case.path
        right["largest child"][case.kind] += _largest_child(rows) == case.path
    totals = Counter(case.kind for case in cases)
    print(f"{len(cases)} changes; right in %   driver named by                         root cause by")
    print(f"{'':20}{'cases':>7}" + "".join(f"{name:>15}" for name in right))
    for kind in (*KINDS, "all"):
        cases_of = totals[kind] if kind in totals else len(cases)
        shares = (
            sum(hits.values()) / cases_of if kind == "all" else hits[kind] / max(1, cases_of) for hits in right.values()
        )
        print(f"{kind:20}{cases_of:>7}" + "".join(f"{share:>15.1%}" for share in shares))
    print(f"the order of a sequential decomposition moves {np.median(differing):.0%} of the change (median)")


def _own_counts(count: int, seed: int) -> None:
    """Print how often the first cause is right, and what was named beside it, by kind of change."""
    columns = ("right first", "scatter unknown", "all named", "none named", "driver right", "largest child")
    tallies: dict[str, Counter[str]] = {kind: Counter() for kind in JOB_KINDS}
    drawn = 0
    while drawn < count:
        case = draw_jobs_case(seed)
        seed += 1
        if case is None:
            continue
        drawn += 1
        rows = decompose(case.before, case.after, list(LEVELS))
        right = {_leaves(rows, cause.path) for cause in case.causes}
        named = _named_leaves(rows, root_causes(rows, LEVELS, scatter=case.scatter))
        alone = _named_leaves(rows, root_causes(rows, LEVELS))
        drivers = [
            with_leading_driver(added_up(rows.filter(_at(cause.path)))).item(0, "driver") for cause in case.causes
        ]
        tallies[case.kind].update(
            {
                "cases": 1,
                "right first": named[:1] != [] and named[0] in right,
                "scatter unknown": alone[:1] != [] and alone[0] in right,
                "all named": right <= set(named),
                "none named": not named,
                "causes": len(case.causes),
                "driver right": sum(name == cause.driver for name, cause in zip(drivers, case.causes, strict=True)),
                "largest child": _leaves(rows, _largest_child(rows)) in right,
            }
        )
    changes = [kind for kind in JOB_KINDS if kind != NOTHING]
    tallies["all but nothing"] = sum((tallies[kind] for kind in changes), start=Counter())
    print(f"\njobs with counts of their own, {count} comparisons; in %, the level is not given")
    print(f"{'':26}{'cases':>7}" + "".join(f"{name:>17}" for name in columns))
    for kind, tally in tallies.items():
        shares = (tally[name] / max(1, tally["causes" if name == "driver right" else "cases"]) for name in columns)
        print(f"{kind:26}{tally['cases']:>7}" + "".join(f"{share:>17.1%}" for share in shares))


def _named_leaves(rows: pl.DataFrame, causes: pl.DataFrame) -> list[frozenset[tuple[str, ...]]]:
    return [_leaves(rows, tuple(row[level] for level in LEVELS if row[level] is not None)) for row in causes.to_dicts()]


def _leaves(rows: pl.DataFrame, path: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """The jobs below a node: a workflow of one job is that job."""
    return frozenset(rows.filter(_at(path)).select(LEVELS).iter_rows())


def _at(path: tuple[str, ...]) -> pl.Expr:
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(level) == value for level, value in zip(LEVELS, path, strict=False))
    )


def _sequential(before: pl.DataFrame, after: pl.DataFrame, order: tuple[str, ...]) -> dict[str, float]:
    """Change one factor after the other, per job and class; what is in one period only is new or vanished."""
    key = [*LEVELS, *CLASSES]
    sides = [
        side.group_by(key).agg(pl.col("runs", "run_seconds", "compute_credits", "compute_cost_usd").sum())
        for side in (before, after)
    ]
    both = sides[0].join(sides[1], key, "full", suffix="_after", coalesce=True, nulls_equal=True).fill_null(0)
    numbers = both.select(pl.exclude(key).cast(pl.Float64)).to_numpy().T
    whole = [numbers[4 * side + 3] for side in (0, 1)]
    matched = (numbers > 0).all(axis=0)
    factors = []
    for side in (0, 1):
        runs, seconds, credits, cost = numbers[4 * side : 4 * side + 4, matched]
        factors.append(
            {
                "runs": runs,
                "minutes_per_run": seconds / runs,
                "credits_per_minute": credits / seconds,
                "price": cost / credits,
            }
        )
    effects = {
        "new": float(whole[1][~matched & (whole[0] == 0)].sum()),
        "vanished": -float(whole[0][~matched & (whole[1] == 0)].sum()),
    }
    current = dict(factors[0])
    for name in order:
        earlier = np.prod(list(current.values()), axis=0)
        current[name] = factors[1][name]
        effects[name] = float((np.prod(list(current.values()), axis=0) - earlier).sum())
    return effects


def _leading(effects: dict[str, float]) -> str:
    direction = 1 if sum(effects.values()) >= 0 else -1
    return max(effects, key=lambda name: direction * effects[name])


def _largest_child(rows: pl.DataFrame) -> tuple[str, ...]:
    """Go down to the child with the largest change as long as that is at least half of its parent's."""
    path: tuple[str, ...] = ()
    for level in LEVELS:
        children = rows.group_by(level).agg(pl.col("change_usd").sum().cast(pl.Float64))
        largest = children.sort(pl.col("change_usd").abs(), descending=True).row(0, named=True)
        if abs(largest["change_usd"]) < abs(float(children.get_column("change_usd").sum())) / 2:
            break
        path += (largest[level],)
        rows = rows.filter(pl.col(level) == largest[level])
    return path


def random_rows(draw: np.random.Generator, groups: int, count: int) -> pl.DataFrame:
    """Rows of some groups with all special cases: zeros, unpriced days, charge types, negative credits."""
    credits = {
        "compute": draw.integers(0, 5000, count) * draw.integers(0, 2, count),
        "dlc": draw.choice([0, 200], count),
        "user": draw.choice([0, 0, 0, 25_000], count),
        "other": draw.choice([0, 0, 0, -7], count),
    }
    price = pl.Series(draw.choice(["0.0006", "0.00055", "0.0000123457"], count)).cast(pl.Decimal(18, 10))
    priced = pl.Series(draw.random(count) > 0.02)
    frame = pl.DataFrame(
        {
            "project": draw.integers(0, groups, count),
            "job": draw.integers(0, 6, count),
            "resource_class": draw.choice(["small", "large", "xlarge"], count),
            "runs": draw.integers(0, 5, count),
            "run_seconds": draw.integers(0, 900, count) * draw.integers(0, 2, count),
            **{f"{name}_credits": values / 8 for name, values in credits.items()},
        }
    ).with_columns(pl.col("^.*_credits$").cast(pl.Decimal(38, 6)))
    costs = [
        pl.when(priced).then((pl.col(f"{name}_credits") * price).cast(_MONEY)).alias(f"{name}_cost_usd")
        for name in credits
    ]
    whole = pl.sum_horizontal(f"{name}_cost_usd" for name in credits).cast(_MONEY)
    return frame.with_columns(*costs, credits=pl.sum_horizontal(f"{name}_credits" for name in credits)).with_columns(
        cost_usd=pl.when(priced).then(whole)
    )


def _exact() -> None:
    """Count the groups of random rows whose effects do not add up to the change computed with Python's Decimal."""
    draw = np.random.default_rng(2005)
    before, after = (random_rows(draw, _RANDOM_CASES, 10 * _RANDOM_CASES) for _ in range(2))
    decomposed = decompose(before, after, ["project"])
    expected: dict[int, Decimal] = {}
    for sign, side in ((-1, before), (1, after)):
        for project, cost in side.select("project", "cost_usd").iter_rows():
            expected[project] = _WIDE.add(expected.get(project, Decimal(0)), sign * (cost or Decimal(0)))
    wrong = 0
    for row in decomposed.select("project", "change_usd", *DRIVERS).iter_rows():
        summed = Decimal(0)
        for effect in row[2:]:
            summed = _WIDE.add(summed, effect)
        wrong += not summed == row[1] == expected[row[0]]
    print(f"\nexact to the last digit: {decomposed.height - wrong:,} of {decomposed.height:,} random cases")


def _seconds() -> None:
    draw = np.random.default_rng(7)
    before, after = (
        random_rows(draw, 1, _LEAVES).with_columns(
            project=pl.format("project-{}", pl.int_range(_LEAVES) % 500), job=pl.format("job-{}", pl.int_range(_LEAVES))
        )
        for _ in range(2)
    )
    print(f"\nseconds for {_LEAVES:,} jobs")
    for by in (list[str](), ["project"], ["project", "job"]):
        started = time.perf_counter()
        rows = decompose(before, after, by)
        print(f"  decompose by {', '.join(by) or 'nothing':14}{time.perf_counter() - started:>8.2f}")
    started = time.perf_counter()
    root_causes(rows, ["project", "job"])
    print(f"  root causes              {time.perf_counter() - started:>8.2f}")
