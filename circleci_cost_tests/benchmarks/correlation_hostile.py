"""Companies of `correlation_series` made harder: monthly batches on both sides, a long quiet end of the year.

What such series share is the calendar alone, so nothing in it is a true finding.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from circleci_cost_tests.benchmarks.correlation_series import DAYS, FIRST, Company, Flags, Floats

_BATCHED = 0.4
_BATCH = (0.4, 1.8)
_QUIET = (0.4, 2.0)


def hostile_company(company: Company, seed: int) -> Company:
    """The same costs with a monthly batch in every CI series and in two fifths of the services, and quiet days.

    The batches of a company fall on one of: the first, the last, the last three days, the fourth or the last Friday.
    From 22 to 23 December and on 2 January two thirds of the services are as quiet as CI.
    """
    draw = np.random.default_rng(seed + 1_000_000)
    days = [FIRST + timedelta(days=offset) for offset in range(DAYS)]
    batch = _batch_days(days, int(draw.integers(5)))
    quiet = np.array([(day.month, day.day) in {(12, 22), (12, 23), (1, 2)} for day in days])
    return replace(
        company,
        ci=_harder(draw, company.ci, batch, quiet, batched=1.0, quiet_share=1.0),
        infrastructure=_harder(draw, company.infrastructure, batch, quiet, batched=_BATCHED, quiet_share=0.67),
    )


def last_days(company: Company, number: int) -> Company:
    """The same company known for the last days only."""
    recent = pl.col("date") > FIRST + timedelta(days=DAYS - 1 - number)
    return replace(company, ci=company.ci.filter(recent), infrastructure=company.infrastructure.filter(recent))


def _harder(
    draw: np.random.Generator, frame: pl.DataFrame, batch: Flags, quiet: Flags, *, batched: float, quiet_share: float
) -> pl.DataFrame:
    names = frame.get_column("series").unique().sort().to_list()
    factors = []
    for name in names:
        level: Floats = np.zeros(DAYS)
        if draw.random() < batched:
            level += batch * draw.uniform(*_BATCH) * draw.uniform(0.8, 1.2, DAYS)
        if draw.random() < quiet_share:
            level -= quiet * draw.uniform(*_QUIET) * draw.uniform(0.7, 1.2, DAYS)
        dates = pl.date_range(FIRST, FIRST + timedelta(days=DAYS - 1), eager=True)
        factors.append(pl.DataFrame({"series": [name] * DAYS, "date": dates, "factor": np.exp(level)}))
    together = frame.join(pl.concat(factors), ["series", "date"], maintain_order="left")
    return together.with_columns(cost=pl.col("cost") * pl.col("factor")).drop("factor")


def _batch_days(days: list[date], kind: int) -> Flags:
    left = [(day.replace(day=28) + timedelta(days=4)).replace(day=1) - day for day in days]
    to_end = np.array([remaining.days for remaining in left])
    number = np.array([day.day for day in days])
    friday = np.array([day.weekday() == 4 for day in days])
    return np.asarray(
        (number == 1, to_end == 1, to_end <= 3, friday & (number > 21) & (number <= 28), friday & (to_end <= 7))[kind]
    )
