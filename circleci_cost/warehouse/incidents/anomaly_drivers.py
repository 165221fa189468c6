"""Writes `anomaly_drivers`: what each incident is due to, against the same weekdays of the four weeks before it.

Finding incidents is `warehouse.anomalies`' job, taking a change apart `model.drivers.decomposition`'s.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.lake.layout import Lake
from circleci_cost.model.drivers.baseline import Comparison, four_weeks_before, weekdays_before
from circleci_cost.model.drivers.causes import likeliest_cause
from circleci_cost.model.drivers.decomposition import decompose, with_leading_driver
from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.leaves import MONEY
from circleci_cost.model.drivers.seats import seats_apart
from circleci_cost.model.drivers.text import place_text, sentence
from circleci_cost.model.usage.charge_types import RUN_BOUND_CHARGE_TYPES
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.drivers.compared_costs import compared_rows, known_days
from circleci_cost.warehouse.drivers.examples import example_runs
from circleci_cost.warehouse.drivers.scoped_rows import SCOPE_SCHEMA, Scopes
from circleci_cost.warehouse.drivers.usual_days import read_usual_days
from circleci_cost.warehouse.incidents.drivers import REST

SCHEMA = pl.Schema(
    {
        "incident_id": pl.String(),
        "rank": pl.Int32(),
        **dict.fromkeys(HIERARCHY, pl.String()),
        "driver": pl.String(),
        **dict.fromkeys(("before_usd", "after_usd", "change_usd", "effect_usd"), MONEY),
        "share": pl.Decimal(18, 6),
        "sentence": pl.String(),
        "example_urls": pl.List(pl.String()),
    }
)

_MOST_EFFECTS = 10
_LEVELS = list(HIERARCHY)


def write_anomaly_drivers(
    connection: duckdb.DuckDBPyConnection,
    incidents: pl.DataFrame,
    lake: Lake | None = None,
    special: Collection[date] = (),
) -> int:
    """Replace `anomaly_drivers` by the rows of all given incidents, in one transaction; return how many."""
    rows = anomaly_drivers(connection, incidents, lake, special)
    with transaction(connection):
        replace_rows(connection, {"anomaly_drivers": rows})
    return rows.height


def anomaly_drivers(
    connection: duckdb.DuckDBPyConnection,
    incidents: pl.DataFrame,
    lake: Lake | None = None,
    special: Collection[date] = (),
) -> pl.DataFrame:
    """What each incident is due to, `SCHEMA`.

    In: `incident_id`, `first_day`, `last_day`, and the scope, null for all: `cost_center`, `organization`, `project`,
    `workflow`, `job`, `charge_type`, `tag` and `value`; a connection with `daily_costs`, `usage_days` and, for tags,
    `allocated_costs`; `special` days as in `drivers.Periods`; the lake for example runs.

    Out, for each incident that has days to compare: rank 0 for the whole, with its leading driver, the place of its
    root cause and its sentence; from rank 1 on, the largest effects of single jobs and the residual, `REST`, which add
    up to the incident's change, to the last digit.
    """
    if incidents.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    known = known_days(connection)
    rows, scatter = _compared(connection, incidents, known, special)
    if not rows["before"].height and not rows["after"].height:
        return pl.DataFrame(schema=SCHEMA)
    jobs = decompose(seats_apart(rows["before"]), seats_apart(rows["after"]), ["comparison", *_LEVELS])
    wholes = with_leading_driver(decompose(rows["before"], rows["after"], ["comparison"]))
    drivers = pl.concat([_whole(row, jobs, scatter) for row in wholes.to_dicts()] + [_effects(jobs, wholes)])
    drivers = _with_examples(drivers.sort("incident_id", "rank"), connection, incidents, known, lake)
    return drivers.select(SCHEMA.names()).cast(SCHEMA)


def _compared(
    connection: duckdb.DuckDBPyConnection,
    incidents: pl.DataFrame,
    known: Mapping[str, Collection[date]],
    special: Collection[date],
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The rows of all incidents and the scatter of their jobs, those of each virtual tag read together."""
    scopes = incidents.select(
        pl.col("incident_id").alias("comparison"),
        *(name for name in SCOPE_SCHEMA if name not in {"comparison", "charge_types"}),
        pl.when(pl.col("charge_type").is_not_null())
        .then(pl.concat_list("charge_type"))
        .otherwise(pl.lit(list(RUN_BOUND_CHARGE_TYPES)))
        .alias("charge_types"),
        "tag",
    )
    parts, scatters = [], []
    for tag in incidents.get_column("tag").unique().sort().to_list():
        own = incidents.filter(pl.col("tag").eq_missing(pl.lit(tag, pl.String)))
        periods = {
            (row["incident_id"], name): DayRange(row["first_day"], row["last_day"])
            for row in own.to_dicts()
            for name in ([row["cost_center"]] if row["cost_center"] is not None else known)
        }
        scope = Scopes(scopes.filter(pl.col("tag").eq_missing(pl.lit(tag, pl.String))).drop("tag"), tag)
        usual = read_usual_days(connection, _baselines(periods, known, special), scope)
        comparisons: dict[tuple[str, str], Comparison] = {
            (incident, name): weekdays_before(
                period, known.get(name, ()), {*special, *usual.unusual.get((incident, name), ())}
            )
            for (incident, name), period in periods.items()
        }
        parts.append(compared_rows(connection, comparisons, scope))
        scatters.append(usual.scatter)
    rows = {side: pl.concat([part[side] for part in parts], how="vertical_relaxed") for side in ("before", "after")}
    return rows, pl.concat(scatters)


def _baselines(
    periods: Mapping[tuple[str, str], DayRange], known: Mapping[str, Collection[date]], special: Collection[date]
) -> dict[tuple[str, str], list[date]]:
    """The days before each incident that show what is usual."""
    return {
        (incident, name): [
            day for day in four_weeks_before(period.first) if day in known.get(name, ()) and day not in special
        ]
        for (incident, name), period in periods.items()
    }


def _whole(row: Mapping[str, Any], jobs: pl.DataFrame, scatter: pl.DataFrame) -> pl.DataFrame:
    """Rank 0 of one incident: what it is due to as a whole, and the place of its root cause."""
    own = pl.col("comparison") == row["comparison"]
    inside = jobs.filter(own).drop("comparison")
    causes = likeliest_cause(inside, _LEVELS, scatter.filter(own).drop("comparison")).to_dicts()
    text = sentence(row)
    # A cause that makes up the whole change adds nothing to the sentence.
    if causes and causes[0]["project"] is not None and causes[0]["change_usd"] != row["change_usd"]:
        text = f"{text} Most of it in {place_text(causes[0], _LEVELS[1:])}: {sentence(causes[0])}"
    place = {level: causes[0][level] if causes else None for level in _LEVELS}
    names = ("before_usd", "after_usd", "change_usd", "driver", "effect_usd")
    first_row = {"incident_id": row["comparison"], "rank": 0, **place, **{name: row[name] for name in names}}
    first_row |= {"share": _share(row["effect_usd"], row["change_usd"]), "sentence": text}
    return pl.DataFrame([first_row], schema={name: dtype for name, dtype in SCHEMA.items() if name != "example_urls"})


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return None if whole == 0 else Decimal(f"{float(part) / float(whole):.6f}")


def _effects(jobs: pl.DataFrame, wholes: pl.DataFrame) -> pl.DataFrame:
    """The largest effects of single jobs, from rank 1 on, and the residual."""
    key = ["comparison", *_LEVELS]
    effects = (
        jobs.unpivot(
            on=DRIVERS,
            index=[*key, "before_usd", "after_usd", "change_usd"],
            variable_name="driver",
            value_name="effect_usd",
        )
        .filter(pl.col("effect_usd") != 0)
        .sort(pl.col("effect_usd").abs(), *_LEVELS, "driver", descending=[True, *(False for _ in _LEVELS), False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("comparison").cast(pl.Int32))
        .filter(pl.col("rank") <= _MOST_EFFECTS)
    )
    explained = jobs.join(effects, key, "semi", nulls_equal=True)
    sentences = explained.select(key).with_columns(
        sentence=pl.Series([sentence(row) for row in explained.to_dicts()], dtype=pl.String)
    )
    effects = effects.join(sentences, key, nulls_equal=True)
    changes = wholes.select("comparison", whole="change_usd")
    residual = (
        changes.join(effects.group_by("comparison").agg(pl.col("effect_usd").sum(), pl.len()), "comparison", "left")
        .with_columns(
            effect_usd=(pl.col("whole") - pl.col("effect_usd").fill_null(0)).cast(MONEY),
            rank=(pl.col("len").fill_null(0) + 1).cast(pl.Int32),
            driver=pl.lit(REST),
        )
        .drop("len", "whole")
    )
    share = pl.col("effect_usd").cast(pl.Float64) / pl.col("whole").cast(pl.Float64)
    return (
        pl.concat([effects, residual], how="diagonal")
        .join(changes, "comparison")
        .with_columns(share=pl.when(pl.col("whole") != 0).then(share.clip(-999_999, 999_999)).cast(pl.Decimal(18, 6)))
        .rename({"comparison": "incident_id"})
        .select(name for name in SCHEMA if name != "example_urls")
    )


def _with_examples(
    rows: pl.DataFrame,
    connection: duckdb.DuckDBPyConnection,
    incidents: pl.DataFrame,
    known: Mapping[str, Collection[date]],
    lake: Lake | None,
) -> pl.DataFrame:
    """Add the dearest runs of each job on the incident's last known day; rank 0 has those of its cause."""
    numbered = rows.with_row_index("number")
    if lake is None:
        return numbered.with_columns(example_urls=pl.lit([], pl.List(pl.String)))
    last = _last_days(incidents, known)
    wanted = numbered.filter(pl.col("job").is_not_null()).join(last, ["incident_id", "cost_center"])
    examples = example_runs(connection, lake, wanted.select("number", *_LEVELS, "date"))
    urls = [examples.get(number, []) for number in range(rows.height)]
    return numbered.with_columns(example_urls=pl.Series(urls, dtype=pl.List(pl.String)))


def _last_days(incidents: pl.DataFrame, known: Mapping[str, Collection[date]]) -> pl.DataFrame:
    days = [(name, day) for name, dates in known.items() for day in dates]
    frame = pl.DataFrame(days, schema={"cost_center": pl.String, "date": pl.Date}, orient="row")
    return (
        incidents.select("incident_id", "first_day", "last_day")
        .join(frame, how="cross")
        .filter(pl.col("date").is_between("first_day", "last_day"))
        .group_by("incident_id", "cost_center")
        .agg(pl.col("date").max())
    )
