"""What a later export changed in a day that an earlier one had: CircleCI restates its last days.

Only the comparison; keeping both states is the lake's job.
"""

from datetime import date, datetime

import polars as pl

from circleci_cost.model.usage.schema import AS_OF_THE_EXPORT, CREDIT_SCALE

_EXACT = pl.Decimal(38, CREDIT_SCALE)
SCHEMA: dict[str, pl.DataType] = {
    "cost_center": pl.String(),
    "date": pl.Date(),
    "export_id": pl.String(),
    "recorded_at": pl.Datetime("us", "UTC"),
    "jobs_added": pl.Int64(),
    "jobs_removed": pl.Int64(),
    "jobs_changed": pl.Int64(),
    "credits_added": _EXACT,
    "credits_removed": _EXACT,
    "credits_changed": _EXACT,
}
_NOT_COMPARED = frozenset({*AS_OF_THE_EXPORT, "export_id", "ingested_at", "job_id"})


def compare(
    before: pl.DataFrame, after: pl.DataFrame, *, cost_center: str, day: date, export_id: str, at: datetime
) -> pl.DataFrame:
    """Compare two states of one day by `job_id`, value by value.

    In: two frames of job runs of one day. Out: one row with `SCHEMA`, or none where nothing differs.
    `credits_changed` is after minus before, over the jobs in both states; added − removed + changed is the
    change of the day's credits. The columns of `AS_OF_THE_EXPORT` are not compared.
    """
    old, new = _plain(before), _plain(after)
    added = new.join(old, on="job_id", how="anti")
    removed = old.join(new, on="job_id", how="anti")
    changed = old.join(new, on="job_id", suffix="_after").filter(
        pl.any_horizontal(
            pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in old.columns if name not in _NOT_COMPARED
        )
    )
    if not (added.height or removed.height or changed.height):
        return pl.DataFrame(schema=SCHEMA)
    total = pl.col("total_credits").cast(_EXACT)
    row = {
        "cost_center": cost_center,
        "date": day,
        "export_id": export_id,
        "recorded_at": at,
        "jobs_added": added.height,
        "jobs_removed": removed.height,
        "jobs_changed": changed.height,
        "credits_added": added.select(total.sum()).item(),
        "credits_removed": removed.select(total.sum()).item(),
        "credits_changed": changed.select((pl.col("total_credits_after").cast(_EXACT) - total).sum()).item(),
    }
    return pl.DataFrame([row], schema=SCHEMA)


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn categorical names into text, as one state comes from a file and the other from memory."""
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))
