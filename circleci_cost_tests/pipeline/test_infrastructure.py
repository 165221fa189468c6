"""The asset infrastructure_costs: what a run shows and checks, and what it does where a source has a problem."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.defs.infrastructure import build_infrastructure_asset
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost.simulator.infrastructure import COUPLED_SERVICE, write_demo_infrastructure
from circleci_cost.warehouse.infrastructure.infrastructure_costs import infrastructure_series
from circleci_cost_tests.lake.object_store import object_store
from circleci_cost_tests.model.infrastructure.builders import below, daily, focus_csv, source
from circleci_cost_tests.pipeline.harness import checks, metadata
from circleci_cost_tests.warehouse_tables import open_tables

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)


@dataclass
class Place:
    """A folder with files, a lake in it and an instance that remembers runs."""

    folder: Path
    lake: Lake
    instance: dg.DagsterInstance
    clock: ManualClock

    def definitions(self, *sources: Infrastructure) -> dg.Definitions:
        return dg.Definitions(
            assets=[build_infrastructure_asset(sources, below(self.folder), retry_after_seconds=0)],
            resources={"lake": self.lake, "clock": self.clock, "warehouse": warehouse_resource(self.lake)},
        )

    def run(self, *sources: Infrastructure) -> dg.ExecuteInProcessResult:
        result = (
            self.definitions(*sources)
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(
                instance=self.instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )
        return result

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with warehouse_resource(self.lake).get_connection() as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Place(tmp_path, open_lake(tmp_path / "data"), instance, ManualClock(NOW))


def troubled(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {name: str(each.description) for name, each in checks(result).items() if not each.passed}


def test_a_run_shows_what_was_read(place: Place) -> None:
    (place.folder / "a.csv").write_text(daily({"03": "1.5", "04": "2"}))
    (place.folder / "b.csv").write_text(daily({"05": "3"}, ProviderName="Azure"))
    result = place.run(source())
    shown = metadata(result, "infrastructure_costs")
    assert {name: shown[name] for name in shown if name != "providers"} == {
        "dagster/row_count": 3,
        "days": 3,
        "data_through": "2026-01-05",
        "total_usd": 6.5,
        "files_read": 2,
        "files_unchanged": 0,
        "files_superseded": 0,
        "rows_left_out": 0,
        "rows_spread": 0,
    }
    assert shown["providers"].splitlines() == [
        "| source | provider | services | days | from | until | USD |",
        "|---|---|---|---|---|---|---|",
        "| aws | AWS | 1 | 2 | 2026-01-03 | 2026-01-04 | $3.50 |",
        "| aws | Azure | 1 | 1 | 2026-01-05 | 2026-01-05 | $3.00 |",
    ]
    assert set(checks(result)) == {
        "files_readable",
        "infrastructure_fresh",
        "currency_rates_cover_days",
        "days_counted_once",
        "amounts_and_tags_filled",
    }
    assert troubled(result) == {}
    (place.folder / "b.csv").unlink()
    again = metadata(place.run(source()), "infrastructure_costs")
    assert (again["files_read"], again["files_unchanged"]) == (0, 1)
    assert "b.csv" in again["files_gone"]


def test_without_a_source_the_table_is_empty_and_nothing_is_wrong(place: Place) -> None:
    result = place.run()
    shown = metadata(result, "infrastructure_costs")
    assert (shown["dagster/row_count"], shown["data_through"], "providers" in shown) == (0, "–", False)
    assert troubled(result) == {}
    assert place.query("SELECT count(*) FROM infrastructure_costs") == [(0,)]


def test_a_broken_source_fails_a_check_and_not_the_run(place: Place) -> None:
    (place.folder / "a.csv").write_text(daily({"05": "1"}))
    place.run(source())
    (place.folder / "a.csv").write_text(daily({"05": "one"}))
    result = place.run(source())
    assert result.success
    assert troubled(result) == {
        "files_readable": f"aws: {place.folder}/a.csv, line 2, column EffectiveCost: 'one' is no amount; write digits "
        "and a point, such as 1234.56, without separators or a currency. Nothing of this file was used. What was read "
        "before stays."
    }
    assert place.query("SELECT date, cost_usd FROM infrastructure_costs") == [(date(2026, 1, 5), 1)]


def test_what_is_left_out_is_shown_in_numbers_and_zero_effective_costs_are_warned_of(place: Place) -> None:
    zero = {"EffectiveCost": "0", "BilledCost": "5"}
    rows = [zero, zero | {"ChargeCategory": "Tax", "BilledCost": "1.5"}, zero | {"ChargeCategory": "Purchase"}]
    (place.folder / "a.csv").write_text(focus_csv(*(row | {"ChargePeriodStart": "2026-01-01"} for row in rows)))
    for _ in range(2):
        # The second run reads nothing anew, and says the same.
        result = place.run(source())
        assert metadata(result, "infrastructure_costs")["left_out"].splitlines() == [
            "| source | category | rows | billed |",
            "|---|---|---|---|",
            "| aws | Purchase | 1 | $5.00 |",
            "| aws | Tax | 1 | $1.50 |",
        ]
        assert troubled(result)["amounts_and_tags_filled"] == (
            "aws: EffectiveCost is 0 in all rows, BilledCost is not in 1 of them; if the provider does not fill "
            'EffectiveCost, write cost = "billed" in the [[infrastructure]] section'
        )
    assert metadata(place.run(source(cost="billed")), "infrastructure_costs")["total_usd"] == 10


def test_old_files_old_rates_and_repeated_days_are_warned_of(place: Place) -> None:
    (place.folder / "rates").write_text("date,currency,usd_per_unit\n2025-12-28,EUR,1.1\n")
    (place.folder / "a.csv").write_text(daily({"02": "1"}, BillingCurrency="EUR"))
    two = daily({"01": "1"}) + daily({"01": "2"}, ServiceName="S3").partition("\n")[2]
    (place.folder / "c-1.csv").write_text(two)
    (place.folder / "c-2.csv").write_text(two + "\n")
    result = place.run(source("a.csv", rates="rates"), source("c-*.csv", name="gcp"))
    folder = place.folder
    assert troubled(result) == {
        "infrastructure_fresh": "aws ends on 2026-01-02; see that its files are still delivered; gcp ends on "
        "2026-01-01; see that its files are still delivered",
        "currency_rates_cover_days": "aws: the rates of EUR end on 2025-12-28, its costs on 2026-01-02; add newer "
        "rates",
        "days_counted_once": f"gcp: {folder}/c-1.csv and {folder}/c-2.csv hold the same costs of 2026-01-01; leave "
        "the costs of a day in one of them, or say with deliveries in its section which delivery is the newest",
    }


def test_a_store_that_does_not_answer_is_tried_again_and_then_told(place: Place) -> None:
    with object_store() as store:
        store.refusal = (400, "InvalidRequest")
        result = place.run(source(store.address("a.csv")))
    assert result.success
    assert len([event for event in result.all_events if event.event_type_value == "STEP_RESTARTED"]) == 3
    assert troubled(result) == {
        "files_readable": "aws: s3://costs/a.csv cannot be read now: the object store did not answer as it should. Try "
        "again. What was read before stays."
    }


def requested(place: Place, sources: Sequence[Infrastructure], at: datetime, cursor: Any) -> tuple[bool, Any]:
    result = dg.evaluate_automation_conditions(
        place.definitions(*sources),
        place.instance,
        asset_selection=dg.AssetSelection.assets("infrastructure_costs"),
        evaluation_time=at,
        cursor=cursor,
    )
    return result.get_num_requested(dg.AssetKey("infrastructure_costs")) > 0, result.cursor


def test_it_is_read_daily_and_after_an_edit(place: Place) -> None:
    (place.folder / "a.csv").write_text(daily({"05": "1"}))
    place.run(source())
    asked, cursor = requested(place, [source()], NOW - timedelta(hours=2), None)
    asked, cursor = requested(place, [source()], NOW - timedelta(hours=1, minutes=1), cursor)
    assert not asked
    asked, cursor = requested(place, [source()], NOW, cursor)
    assert asked
    place.run(source())
    asked, cursor = requested(place, [source()], NOW + timedelta(hours=1), cursor)
    assert not asked
    asked, cursor = requested(place, [source(tag="team")], NOW + timedelta(hours=2), cursor)
    assert asked


def test_without_a_source_it_is_not_asked_for_daily(place: Place) -> None:
    place.run()
    _, cursor = requested(place, [], NOW - timedelta(hours=2), None)
    asked, _ = requested(place, [], NOW, cursor)
    assert not asked


def test_the_demo_file_has_six_services_of_which_one_follows_ci(place: Place) -> None:
    days = pl.date_range(date(2025, 1, 1), date(2026, 1, 5), eager=True)
    ci = pl.DataFrame({"date": days, "cost": [60.0 + 25.0 * ((day * 7919) % 11) for day in range(len(days))]})
    write_demo_infrastructure(place.folder, ci, days[1], days[-1], 1)
    result = place.run(source("*.focus.csv.gz"))
    assert troubled(result) == {}
    shown = metadata(result, "infrastructure_costs")
    assert (shown["days"], shown["data_through"], shown["rows_left_out"]) == (369, "2026-01-05", 24)
    with open_tables(place.lake) as connection:
        series = infrastructure_series(connection)
    correlation = {
        name: frame.join(ci.with_columns(pl.col("date").dt.offset_by("1d")), on="date", suffix="_ci")
        .select(pl.corr("cost", "cost_ci"))
        .item()
        for (name,), frame in series.partition_by("series", as_dict=True).items()
    }
    assert len(correlation) == 6
    coupled = correlation.pop(f"aws · {COUPLED_SERVICE}")
    assert coupled > 0.95
    assert max(map(abs, correlation.values())) < 0.2
