"""A new price is one incident of the topmost series that has it; what else happens then is an incident of its own."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.incidents.incidents import incidents
from circleci_cost_tests.model.anomalies.builders import (
    FIRST,
    PRICE,
    Floats,
    days_from,
    factors,
    hierarchy_of,
    once,
    place,
)

DAYS, AT = 130, 100
SETTINGS = Anomalies(minimum_impact_usd=Decimal("0.1"), minimum_impact_share=Decimal("0.03"))
DEARER, CHEAPER = factors(DAYS, {AT: 1.25}), factors(DAYS, {AT: 0.8})
NEW_PRICE = ("acme", "price_change", "up", AT, AT)
DOUBLED = factors(DAYS, {103: 2.0})


def organization(
    price: Floats | float, *, name: str = "acme", usage: Floats | float = 1.0, times: Floats | float = 1.0
) -> pl.DataFrame:
    """Four projects that cost about 100 a day at a price of 1; `usage` is the factor of the first one alone."""
    projects = []
    for number in range(4):
        factor = 1 + 0.04 * np.random.default_rng(number).standard_normal(DAYS)
        factor = factor * np.broadcast_to(times, DAYS) * (np.broadcast_to(usage, DAYS) if number == 0 else 1.0)
        cost = 100 * factor * np.broadcast_to(price, DAYS)
        projects.append(
            pl.DataFrame(
                {
                    "series": [f"{name}/p{number}"] * DAYS,
                    "date": days_from(FIRST, DAYS),
                    "cost": cost,
                    "credits": 100 * factor / PRICE,
                    "runs": 40 * factor,
                    "cost_squared": np.divide(1.1 * cost**2, 40 * factor, out=np.zeros(DAYS), where=factor > 0),
                }
            )
        )
    return pl.concat([*projects, summed(pl.concat(projects), name)])


def summed(daily: pl.DataFrame, name: str) -> pl.DataFrame:
    """A series above all others."""
    whole = daily.with_columns(pl.lit(name).alias("series")).group_by("series", "date")
    return whole.agg(pl.exclude("series", "date").sum()).select(daily.columns)


def reported(
    *organizations: pl.DataFrame, top: str | None = None, settings: Anomalies = SETTINGS
) -> list[tuple[str, str, str, int, int]]:
    """Series, kind, direction, first and last day of the incidents, price changes first."""
    daily = pl.concat(organizations)
    names = daily.get_column("series").unique().to_list()
    if top is not None:
        daily = pl.concat([daily, summed(daily.filter(~pl.col("series").str.contains("/")), top)])
    rows = incidents(detect(daily, settings), hierarchy_of(names, top), settings)
    assert rows.get_column("incident_id").n_unique() == rows.height
    columns = rows.sort(pl.col("kind") != "price_change", "first_day", "series").select(
        "series", "kind", "direction", "first_day", "last_day"
    )
    return [(*row[:3], place(row[3]), place(row[4])) for row in columns.iter_rows()]


def without_last_day(rows: list[tuple[str, str, str, int, int]]) -> list[tuple[str, str, str, int]]:
    return [row[:4] for row in rows]


@pytest.mark.parametrize(("price", "direction"), [(DEARER, "up"), (CHEAPER, "down")])
def test_a_new_price_alone_is_one_incident_of_the_organization(price: Floats, direction: str) -> None:
    assert reported(organization(price)) == [("acme", "price_change", direction, AT, AT)]


@pytest.mark.parametrize("since", [80, 95])
def test_a_project_that_grows_all_the_time_is_one_incident_beside_that_of_the_price(since: int) -> None:
    growing = np.asarray(1.04 ** np.clip(np.arange(DAYS) - since, 0, 40), dtype=np.float64)
    price, growth = reported(organization(DEARER, usage=growing))
    assert price == NEW_PRICE
    assert growth[0] == "acme/p0"
    assert growth[1] in {"level_shift", "drift"}


@pytest.mark.parametrize(
    ("usage", "kind", "direction", "first"),
    [
        (DOUBLED, "level_shift", "up", 103),
        (factors(DAYS, {96: 2.0}), "level_shift", "up", 96),
        (factors(DAYS, {AT: 2.0}), "level_shift", "up", AT),
        (once(DAYS, [AT], 4.0), "spike", "up", AT),
        (once(DAYS, [AT], 0.0), "outage", "down", AT),
        (once(DAYS, [AT, AT + 1, AT + 2], 0.0), "outage", "down", AT),
    ],
    ids=["doubled later", "doubled before", "doubled that day", "spike that day", "outage", "outage of three days"],
)
def test_what_happens_to_a_project_beside_a_new_price_is_its_own_incident(
    usage: Floats, kind: str, direction: str, first: int
) -> None:
    rows = reported(organization(DEARER, usage=usage))
    assert without_last_day(rows) == [NEW_PRICE[:4], ("acme/p0", kind, direction, first)]


def test_a_rise_beside_a_lower_price_is_its_own_incident() -> None:
    rows = reported(organization(CHEAPER, usage=DOUBLED))
    assert without_last_day(rows) == [
        ("acme", "price_change", "down", AT),
        ("acme/p0", "level_shift", "up", 103),
    ]


def test_a_price_that_changes_during_an_outage_of_all_is_seen_when_it_is_over() -> None:
    rows = reported(organization(DEARER, times=once(DAYS, [AT, AT + 1], 0.0)))
    assert rows == [("acme", "price_change", "up", AT + 2, AT + 2), ("acme", "outage", "down", AT, AT + 1)]


def test_a_project_at_rest_when_the_price_changed_does_not_have_it_reported_again() -> None:
    rows = reported(organization(DEARER, usage=once(DAYS, range(95, 110), 0.0)))
    assert [row for row in rows if row[1] == "price_change"] == [NEW_PRICE]


def test_two_organizations_of_a_cost_center_have_an_incident_each_for_their_own_prices() -> None:
    rows = reported(organization(DEARER), organization(factors(DAYS, {103: 1.25}), name="beta"), top="center")
    assert rows == [NEW_PRICE, ("beta", "price_change", "up", 103, 103)]


def test_one_price_of_two_organizations_is_one_incident_of_the_cost_center() -> None:
    rows = reported(organization(DEARER), organization(DEARER, name="beta"), top="center")
    assert rows == [("center", "price_change", "up", AT, AT)]


def test_the_mean_of_two_prices_is_no_price() -> None:
    dear = organization(1.5, name="beta", times=1 + 0.1 * np.random.default_rng(9).standard_normal(DAYS))
    assert reported(organization(1.0), dear, top="center") == []
    assert reported(organization(DEARER), dear, top="center") == [NEW_PRICE]


def test_an_outage_on_the_day_of_a_price_that_nobody_asked_for_is_reported() -> None:
    asked = Anomalies(minimum_impact_usd=Decimal("0.1"), directions=("down",))
    assert reported(organization(DEARER, usage=once(DAYS, [AT], 0.0)), settings=asked) == [
        ("acme/p0", "outage", "down", AT, AT)
    ]


def test_a_change_that_goes_on_has_the_impact_of_its_usage_alone_after_a_new_price() -> None:
    daily = organization(DEARER, usage=factors(DAYS, {96: 2.0}))
    rows = incidents(detect(daily, SETTINGS), hierarchy_of(daily.get_column("series").to_list()), SETTINGS)
    row = rows.row(by_predicate=pl.col("kind") == "level_shift", named=True)
    assert row["last_day"] > row["first_day"].replace(day=row["first_day"].day + 4)
    assert row["impact"] / row["expected"] == pytest.approx(1.0, abs=0.05)


def test_a_price_that_changes_at_the_end_of_the_year_has_the_impact_of_usual_days() -> None:
    quiet = once(DAYS, range(AT - 3, AT + 6), 0.2)
    rows = reported(organization(DEARER, times=quiet))
    assert rows[0] == NEW_PRICE
