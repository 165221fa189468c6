"""Price periods in whole runs: changes, gaps, edits, and what an edit must not touch."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl

from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.pipeline.harness import Price, Site, checks, initech, running
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import NOW, YESTERDAY

FIRST = date(2024, 3, 4)


def _expected(site: Site) -> dict[tuple[object, ...], tuple[object, ...]]:
    return expected_costs(site.simulator.scenario, site.centers, FIRST, YESTERDAY, NOW)


def _prices_by_day(site: Site) -> dict[date, list[Decimal | None]]:
    rows = site.daily_costs().select("date", "price_per_credit").unique().sort("date").iter_rows()
    prices: dict[date, list[Decimal | None]] = {}
    for day, price in rows:
        prices.setdefault(day, []).append(price)
    return prices


def test_f096_a_price_change_at_midnight_splits_the_window(tmp_path: Path) -> None:
    centers = initech(Price("0.0006", "2022-01-01", "2024-03-07"), Price("0.00055", "2024-03-08"))
    with running(tmp_path, centers) as site:
        site.price("initech", FIRST, YESTERDAY)
        assert found_costs(site.daily_costs().to_dicts()) == _expected(site)
        assert _prices_by_day(site) == {
            date(2024, 3, day): [Decimal("0.0006") if day < 8 else Decimal("0.00055")] for day in range(4, 12)
        }


def test_f094_usage_in_a_gap_is_unpriced_and_never_free(tmp_path: Path) -> None:
    centers = initech(Price("0.0006", "2022-01-01", "2024-03-06"), Price("0.0006", "2024-03-09"))
    with running(tmp_path, centers) as site:
        result = site.refresh("initech", FIRST, YESTERDAY)
        costs = site.table("daily_costs")
        assert found_costs(costs.to_dicts()) == _expected(site)
        gap = costs.filter(pl.col("date").is_between(date(2024, 3, 7), date(2024, 3, 8)))
        unpriced = gap["credits"].sum()
        assert unpriced > 0
        assert gap.select(pl.col("price_per_credit", "^.*cost_usd$").null_count()).row(0) == (gap.height,) * 11
        manifest = current_generation(site.lake).manifest
        assert (manifest.unpriced_credits, manifest.cost_usd) == (unpriced, costs["cost_usd"].sum())
        results = checks(result)
        assert not results["all_credits_priced"].passed
        assert results["all_credits_priced"].description == f"{unpriced} credits have no price: add a pricing period"
        assert results["every_day_priced"].description == (
            "no price on initech: 2024-03-07 to 2024-03-08: credits stay unpriced, not $0"
        )
        assert results["prices_up_to_date"].passed
        # A gap that is closed later makes exactly its days stale.
        site.centers = initech()
        assert site.check("daily_costs", "prices_up_to_date").metadata["stale_ranges"].value == (
            "initech: 2024-03-07 to 2024-03-08"
        )


def test_f098_an_edited_price_is_named_and_repaired_without_fetching_or_parsing(site: Site) -> None:
    site.refresh("initech", FIRST, YESTERDAY)
    before = site.table("daily_costs")
    files, asked, generation = site.job_run_files(), len(site.simulator.log), current_generation(site.lake)

    site.centers = initech(
        Price("0.0006", "2022-01-01", "2024-03-05"),
        Price("0.0007", "2024-03-06", "2024-03-08"),
        Price("0.0006", "2024-03-09"),
    )
    stale = site.check("daily_costs", "prices_up_to_date")
    assert not stale.passed
    assert stale.description == (
        "3 days are priced at a former rate (initech: 2024-03-06 to 2024-03-08): backfill daily_costs for them, or "
        "run `circleci-cost reprice`"
    )
    assert current_generation(site.lake) == generation
    assert site.table("daily_costs").equals(before)

    only = ["pricing_periods", "daily_costs", "published"]
    result = site.run("reprice", "initech", date(2024, 3, 6), date(2024, 3, 8), only=only)
    assert checks(result)["prices_up_to_date"].passed
    assert found_costs(site.table("daily_costs").to_dicts()) == _expected(site)
    assert site.job_run_files() == files
    assert len(site.simulator.log) == asked
    # The former generation is still what it was, for whoever reads it.
    with generation.connect() as connection:
        assert connection.sql("SELECT sum(cost_usd) FROM daily_costs").fetchall() == [(before["cost_usd"].sum(),)]


def test_f098_a_backfill_of_daily_costs_alone_prices_at_the_rates_of_now(site: Site) -> None:
    """The first one, before `pricing_periods` was ever materialized, and the one after a price change."""
    site.run("ingest", "initech", FIRST, YESTERDAY)
    for price in ("0.0006", "0.00055"):
        site.centers = initech(Price(price, "2022-01-01"))
        site.run("reprice", "initech", FIRST, YESTERDAY, only=["daily_costs"])
        assert found_costs(site.daily_costs().to_dicts()) == _expected(site)


def test_f098_an_edited_price_is_taken_up_checked_and_published_by_the_sensor(site: Site) -> None:
    site.run("refresh", "initech", FIRST, YESTERDAY)
    *_, cursor = site.requested()
    names, requested, cursor = site.requested(cursor)
    assert (names, requested) == (set(), 0)

    site.centers = initech(Price("0.00055", "2022-01-01"))
    names, requested, _ = site.requested(cursor)
    # The fifth is the check `prices_up_to_date`: one run takes the price up, names its days, publishes, exports and
    # tells.
    assert (names, requested) == ({"pricing_periods", "published", "focus_export", "notifications"}, 5)


def _data_version(instance: dg.DagsterInstance) -> object:
    event = instance.get_latest_materialization_event(dg.AssetKey("pricing_periods"))
    assert event is not None
    materialization = event.asset_materialization
    assert materialization is not None
    assert materialization.tags is not None
    return materialization.tags["dagster/data_version"]


def test_f098_the_data_version_of_pricing_periods_changes_with_their_content_only(site: Site) -> None:
    versions = []
    for prices in (
        (Price("0.0006", "2022-01-01", "2023-12-31"), Price("0.00055", "2024-01-01")),
        (Price("0.000550", "2024-01-01"), Price("0.00060", "2022-01-01", "2023-12-31")),
        (Price("0.0006", "2022-01-01", "2023-12-31"), Price("0.00056", "2024-01-01")),
        (Price("0.0006", "2022-01-01", "2023-12-30"), Price("0.00056", "2024-01-01")),
    ):
        site.centers = initech(*prices)
        site.run("reprice", "initech", YESTERDAY, YESTERDAY, only=["pricing_periods"])
        versions.append(_data_version(site.instance))
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
