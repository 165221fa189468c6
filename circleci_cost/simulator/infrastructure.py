"""A made-up cloud account beside the simulated usage: six services in a FOCUS 1.2 file; CI drives the cost of one.

Every day is drawn by itself, so that a longer file repeats a shorter one. The caller gives the cost of CI.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from circleci_cost.config.demo import INFRASTRUCTURE_FILE
from circleci_cost.days import days_between
from circleci_cost.lake.files import write_atomic
from circleci_cost.simulator.draws import Floats, child, normal, root
from circleci_cost.simulator.rhythm import growth

COUPLED_SERVICE = "Amazon Elastic Container Registry"
COUPLED_LAG_DAYS = 1
_BASE_USD = 6.0
_USD_PER_CI_USD = 0.4
_COUPLED_NOISE = 0.06
_ACCOUNTS = {"build": "210987654321", "production": "123456789012"}
_NOISE = 1


@dataclass(frozen=True)
class _Service:
    """A service independent of CI: its level, week (Monday first), growth per year and noise.

    From `shift_day` of a year of 400 days on it costs `shift` times as much; `month_end` is the share by which the
    last days of a month are dearer.
    """

    name: str
    category: str
    usd: float
    week: tuple[float, ...]
    growth: float
    noise: float
    shift: float = 1.0
    shift_day: int = 0
    month_end: float = 0.0


_SERVICES = (
    _Service("Amazon Elastic Compute Cloud", "Compute", 310.0, (1.05, 1.06, 1.05, 1.04, 1.02, 0.9, 0.88), 0.18, 0.035),
    _Service("Amazon Relational Database Service", "Databases", 145.0, (1.0,) * 7, 0.10, 0.02, 1.35, 210),
    _Service("Amazon Simple Storage Service", "Storage", 62.0, (1.0,) * 7, 0.45, 0.015),
    _Service("Amazon CloudFront", "Networking", 38.0, (0.92, 0.93, 0.95, 1.0, 1.08, 1.14, 1.1), 0.25, 0.08),
    _Service("Amazon Athena", "Analytics", 21.0, (1.2, 1.1, 1.05, 1.0, 0.95, 0.85, 0.85), 0.05, 0.15, month_end=0.9),
)
_EPOCH = date(2020, 1, 1)


def write_demo_infrastructure(folder: Path, ci_daily: pl.DataFrame, first: date, last: date, seed: int) -> Path:
    """Write `INFRASTRUCTURE_FILE` into `folder` and return its path; the same arguments give the same bytes.

    `ci_daily` has `date` and `cost` in USD, one row a day or several. The cost of `COUPLED_SERVICE` on a day is a base
    plus a share of what CI cost `COUPLED_LAG_DAYS` before, times lognormal noise of about 6 %; a day without CI cost
    counts as 0. The five other services are independent of it: own weekly rhythm, growth and noise, one with a level
    shift and one dearer at the end of months. One purchase and one tax a month are there for readers to leave out.
    """
    days = days_between(first, last)
    before = _ci_costs(ci_daily, [day - timedelta(days=COUPLED_LAG_DAYS) for day in days])
    frames = [_rows("build", COUPLED_SERVICE, "Containers", days, _coupled(before, days, seed))]
    for number, service in enumerate(_SERVICES, start=1):
        frames.append(
            _rows("production", service.name, service.category, days, _independent(service, number, days, seed))
        )
    frames += _left_out(days)
    text = pl.concat(frames).sort("ChargePeriodStart", "ServiceName", "ChargeCategory").write_csv()
    path = folder / INFRASTRUCTURE_FILE
    write_atomic(path, gzip.compress(text.encode(), mtime=0))
    return path


def _ci_costs(ci_daily: pl.DataFrame, days: Sequence[date]) -> Floats:
    daily = ci_daily.group_by("date").agg(pl.col("cost").cast(pl.Float64).sum())
    calendar = pl.DataFrame({"date": days}, {"date": pl.Date})
    costs = calendar.join(daily, on="date", how="left", maintain_order="left").get_column("cost")
    return costs.fill_null(0.0).to_numpy()


def _coupled(ci_costs: Floats, days: Sequence[date], seed: int) -> Floats:
    return (_BASE_USD + _USD_PER_CI_USD * ci_costs) * _noise(0, days, seed, _COUPLED_NOISE)


def _independent(service: _Service, number: int, days: Sequence[date], seed: int) -> Floats:
    week = np.array([service.week[day.weekday()] for day in days])
    shifted = np.array([(day - _EPOCH).days % 400 >= service.shift_day for day in days])
    month_end = np.array([(day + timedelta(days=3)).month != day.month for day in days])
    level = np.where(shifted, service.shift, 1.0) * (1.0 + service.month_end * month_end)
    return service.usd * week * level * growth(list(days), service.growth) * _noise(number, days, seed, service.noise)


def _noise(number: int, days: Sequence[date], seed: int, sigma: float) -> Floats:
    keys = child(root(seed, number), np.array([(day - _EPOCH).days for day in days], dtype=np.int64))
    return np.asarray(np.exp(sigma * normal(keys, _NOISE)), dtype=np.float64)


def _rows(account: str, service: str, category: str, days: Sequence[date], usd: Floats) -> pl.DataFrame:
    return _focus(
        days,
        [day + timedelta(days=1) for day in days],
        # Floats up to here; a bill has ten decimals.
        pl.Series(np.round(usd, 6)).cast(pl.Decimal(20, 10)),
        account=account,
        service=service,
        service_category=category,
        charge_category="Usage",
    )


def _left_out(days: Sequence[date]) -> list[pl.DataFrame]:
    starts = [day for day in days if day.day == 1]
    ends = [(day + timedelta(days=31)).replace(day=1) for day in starts]
    amounts = {"Purchase": "720.0000000000", "Tax": "131.4200000000"}
    return [
        _focus(
            starts,
            ends,
            pl.Series([amount] * len(starts), dtype=pl.String).cast(pl.Decimal(20, 10)),
            account="production",
            service="Savings Plans for AWS Compute usage",
            service_category="Compute",
            charge_category=category,
        )
        for category, amount in amounts.items()
    ]


def _focus(
    starts: Sequence[date],
    ends: Sequence[date],
    usd: pl.Series,
    *,
    account: str,
    service: str,
    service_category: str,
    charge_category: str,
) -> pl.DataFrame:
    start = pl.Series("start", starts, pl.Date)
    month = start.dt.month_start()
    times = {
        "BillingPeriodStart": month,
        "BillingPeriodEnd": month.dt.offset_by("1mo"),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": pl.Series("end", ends, pl.Date),
    }
    billed = [usd.alias(name) for name in ("BilledCost", "ContractedCost", "ListCost")]
    # A purchase is used later, and the effective cost is that of the use.
    effective = usd * 0 if charge_category == "Purchase" else usd
    constant = {
        "BillingAccountId": _ACCOUNTS["production"],
        "BillingAccountName": "Acme",
        "BillingCurrency": "USD",
        "ChargeCategory": charge_category,
        "ChargeClass": None,
        "ChargeDescription": f"{service} {charge_category.lower()}",
        "InvoiceIssuerName": "Amazon Web Services",
        "PricingUnit": "Days",
        "ProviderName": "Amazon Web Services",
        "PublisherName": "Amazon Web Services",
        "ServiceCategory": service_category,
        "ServiceName": service,
        "SubAccountId": _ACCOUNTS[account],
        "SubAccountName": account,
        "Tags": "{}",
    }
    return pl.DataFrame([*billed, effective.alias("EffectiveCost").cast(usd.dtype)]).with_columns(
        *(series.dt.strftime("%Y-%m-%dT00:00:00Z").alias(name) for name, series in times.items()),
        *(pl.lit(value, pl.String).alias(name) for name, value in constant.items()),
        pl.lit(1).alias("PricingQuantity"),
    )
