"""The table of an incident's drivers: amounts to the cent that add up to the change as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from circleci_cost.explorer.pages.job_run_links import RunLink, run_links
from circleci_cost.model.drivers.text import rounded
from circleci_cost.model.usage.display_names import driver_name
from circleci_cost.text.amounts import change_unit
from circleci_cost.warehouse.incidents.drivers import IncidentDrivers


@dataclass(frozen=True)
class EffectRow:
    """What one driver did to the cost of one job, rounded; example runs stand in the first row of their job."""

    where: str
    driver: str
    effect: Decimal
    share: Decimal | None
    runs: Sequence[RunLink]


@dataclass(frozen=True)
class DriversTable:
    """The rows worth showing, the residual, and how many rows round to nothing; the CSV has all, exact."""

    rows: Sequence[EffectRow]
    residual: Decimal
    left_out: int


def drivers_table(drivers: IncidentDrivers) -> DriversTable:
    """The drivers of an incident, rounded so that they add up."""
    exact = [*(effect.effect_usd for effect in drivers.effects), drivers.residual]
    *amounts, residual = rounded(exact, drivers.change_usd, change_unit(drivers.change_usd))
    shown = [(effect, amount) for effect, amount in zip(drivers.effects, amounts, strict=True) if amount != 0]
    places = [effect.place for effect, _ in shown]
    rows = [
        EffectRow(
            effect.where,
            driver_name(effect.driver, one_job=True),
            amount,
            effect.share,
            run_links(effect.example_urls) if effect.place not in places[:number] else (),
        )
        for number, (effect, amount) in enumerate(shown)
    ]
    return DriversTable(rows, residual, len(amounts) - len(rows))
