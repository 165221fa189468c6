"""What a later export changed in a day that was there already: CircleCI restates its last days.

Only the comparison; where both states are kept is the lake's business.
"""

from datetime import date, datetime

import polars as pl

from circleci_cost.model.schema import AS_OF_THE_EXPORT, CREDIT_SCALE

SCHEMA: dict[str, pl.DataType] = {
    "cost_center": pl.String(),
    "date": pl.Date(),
    "export_id": pl.String(),
    "recorded_at": pl.Datetime("us", "UTC"),
    "jobs_added": pl.Int64(),
    "jobs_removed": pl.Int64(),
    "jobs_changed": pl.Int64(),
    "credits_added": pl.Decimal(38, CREDIT_SCALE),
    "credits_removed": pl.Decimal(38, CREDIT_SCALE),
    "credits_changed": pl.Decimal(38, CREDIT_SCALE),
}
_NOT_COMPARED = (*AS_OF_THE_EXPORT, "export_id", "ingested_at")


def compare(
    before: pl.DataFrame, after: pl.DataFrame, *, cost_center: str, day: date, export_id: str, at: datetime
) -> pl.DataFrame:
    """Compare two states of one day by `job_id`.

    In: two frames of job runs of one day. Out: one row with `SCHEMA`, or none where nothing differs.
    `credits_changed` is after less before over the jobs in both; added − removed + changed is the
    change of the day's credits. Columns that are as of the export are not compared.
    """
    old, new = _fingerprints(before), _fingerprints(after)
    both = old.join(new, on="job_id", suffix="_after")
    added = new.join(old, on="job_id", how="anti")
    removed = old.join(new, on="job_id", how="anti")
    changed = both.filter(pl.col("fingerprint") != pl.col("fingerprint_after"))
    if not (added.height or removed.height or changed.height):
        return pl.DataFrame(schema=SCHEMA)
    exact = pl.Decimal(38, CREDIT_SCALE)
    total = pl.col("total_credits").cast(exact).sum()
    difference = (pl.col("total_credits_after").cast(exact) - pl.col("total_credits").cast(exact)).sum()
    row = {
        "cost_center": cost_center,
        "date": day,
        "export_id": export_id,
        "recorded_at": at,
        "jobs_added": added.height,
        "jobs_removed": removed.height,
        "jobs_changed": changed.height,
        "credits_added": added.select(total).item(),
        "credits_removed": removed.select(total).item(),
        "credits_changed": changed.select(difference).item(),
    }
    return pl.DataFrame([row], schema=SCHEMA)


def _fingerprints(rows: pl.DataFrame) -> pl.DataFrame:
    compared = [name for name in rows.columns if name not in _NOT_COMPARED]
    return rows.select("job_id", "total_credits", fingerprint=pl.struct(compared).hash())
