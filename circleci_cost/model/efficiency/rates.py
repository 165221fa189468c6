"""The resource classes known on a day: what a minute costs, vCPUs, RAM, and between which of them a job can move.

Which rate an export shows is `observed_rates`' job; what a move would save is `advice`'s.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources

import polars as pl

from circleci_cost.model.efficiency.rate_definition import ResourceClassRate

RATE = pl.Decimal(18, 6)
RATES_SCHEMA: dict[str, pl.DataType] = {
    "executor": pl.String(),
    "resource_class": pl.String(),
    "family": pl.String(),
    "generation": pl.Int32(),
    "vcpus": pl.Float64(),
    "ram_gb": pl.Float64(),
    "credits_per_minute": RATE,
    "source": pl.String(),
}
# Self-hosted runners use no compute credits.
RUNNER = "runner"
# Classes of another processor or operating system run other images: a job cannot just be moved between them.
_OTHER_MACHINES = ("windows.gpu", "windows", "gpu", "arm")
_GENERATION = r"\.gen(\d)$"


@cache
def shipped_rates() -> tuple[ResourceClassRate, ...]:
    """The rates that come with the program."""
    text = resources.files(__package__).joinpath("rates.toml").read_text("utf-8")
    return tuple(map(ResourceClassRate.model_validate, tomllib.loads(text, parse_float=Decimal)["rates"]))


def rates_on(day: date, own: Sequence[ResourceClassRate] = ()) -> pl.DataFrame:
    """The rates of a day, `RATES_SCHEMA` [executor × class]; one of `own` takes the place of the shipped one.

    An own rate without vCPUs and RAM takes these from the shipped rate of the same class. `source` is `configured` or
    `shipped`; `family` names the classes between which a job can move.
    """
    return (
        pl.concat([_frame(own, day, "configured"), _frame(shipped_rates(), day, "shipped")])
        .select(pl.col(name) for name in RATES_SCHEMA)
        .pipe(_merged)
    )


def rates_hash(own: Sequence[ResourceClassRate]) -> str:
    """A hash of all rates."""
    content = "\n".join(rate.model_dump_json() for rate in (*own, *shipped_rates()))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _merged(rates: pl.DataFrame) -> pl.DataFrame:
    names = ("executor", "resource_class")
    sizes = [pl.col(name).drop_nulls().first() for name in ("vcpus", "ram_gb")]
    others = pl.exclude(*names, "vcpus", "ram_gb").first()
    return rates.group_by(names, maintain_order=True).agg(others, *sizes).select(RATES_SCHEMA.keys())


def _frame(rates: Sequence[ResourceClassRate], day: date, source: str) -> pl.DataFrame:
    rows = [
        (rate.executor, rate.resource_class, rate.vcpus, rate.ram_gb, rate.credits_per_minute)
        for rate in rates
        if rate.holds_on(day)
    ]
    names = ("executor", "resource_class", "vcpus", "ram_gb", "credits_per_minute")
    sizes = dict.fromkeys(("vcpus", "ram_gb"), pl.Decimal(18, 6))
    schema = {name: sizes.get(name, RATES_SCHEMA[name]) for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("vcpus", "ram_gb").cast(pl.Float64),
        family=family(),
        generation=pl.col("resource_class").str.extract(_GENERATION).cast(pl.Int32).fill_null(1),
        source=pl.lit(source),
    )


def family() -> pl.Expr:
    """The family of `executor` and `resource_class`, such as `docker`, `docker arm`, `machine windows`."""
    name = pl.col("resource_class")
    kind = pl.coalesce(pl.when(name.str.starts_with(f"{each}.")).then(pl.lit(f" {each}")) for each in _OTHER_MACHINES)
    return pl.col("executor") + kind.fill_null("")
