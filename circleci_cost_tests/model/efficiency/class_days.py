"""Days of one job with their classes, as `warehouse/efficiency/class_days.sql` adds them up."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

FIRST = date(2026, 6, 1)


def days(classes: Sequence[str], *, runs: int = 10, minutes: Sequence[float] = (), **changes: Any) -> pl.DataFrame:
    """A day for each class, from `FIRST` on; every run succeeds. Rates are those of docker."""
    rate = {"medium": 10, "large": 20, "xlarge": 40}
    minutes = minutes or [10.0] * len(classes)
    rows = [
        {
            "key": 1, "cost_center": "acme", "organization_id": "o", "organization": "acme", "project_id": "p",
            "project": "web", "job": "test", "date": FIRST + timedelta(days=day), "executor": "docker",
            "resource_class": name, "runs": runs, "succeeded": runs, "failed": 0,
            "seconds": round(60 * minutes[day] * runs),
            "credits": Decimal(round(rate[name] * minutes[day] * runs)), "price_per_credit": Decimal("0.0006"),
        } | changes
        for day, name in enumerate(classes)
    ]  # fmt: skip
    decimals: dict[str, pl.DataType] = {
        "credits": pl.Decimal(38, 6),
        "price_per_credit": pl.Decimal(18, 10),
        "key": pl.UInt64(),
    }
    return pl.DataFrame(rows, schema_overrides=decimals)
