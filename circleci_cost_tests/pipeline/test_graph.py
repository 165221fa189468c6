"""The events that the asset graph lives on: which table was made when, by day and cost center, whichever run did it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from circleci_cost.circleci import land_files
from circleci_cost.defs.metadata import table
from circleci_cost.history.coverage import missing_days, open_days
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.simulator import write_export_files
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.pipeline.harness import Price, Site, checks, failures, hooli, initech, running
from circleci_cost_tests.pipeline.scenarios import PAYING, SHARED, YESTERDAY, scenario

FETCHED = ("usage_exports", "job_runs", "daily_costs")
DERIVED = (
    "allocated_costs",
    "cost_forecast",
    "budget_status",
    "credit_ledger",
    "reconciliation",
    "cost_anomalies",
    "anomaly_drivers",
    "cost_correlations",
    "class_advice",
    "waste",
)
TEAM = """
[[virtual_tags]]
name = "team"
[[virtual_tags.rules]]
value = "web"
where = { project = "web" }
"""


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, initech() | hooli(Price("0.001", "2022-01-01"))) as site:
        yield site


def _made(result: dg.ExecuteInProcessResult) -> dict[str, int]:
    made: dict[str, int] = {}
    for event in result.filter_events(lambda each: each.is_step_materialization):
        assert event.asset_key is not None
        name = event.asset_key.to_user_string()
        made[name] = made.get(name, 0) + 1
    return made


def _publish(site: Site) -> dg.ExecuteInProcessResult:
    return site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["published"])


def _plotted(site: Site) -> dict[str, dict[str, object]]:
    """What the UI plots: the newest event of each partition."""
    records = site.instance.fetch_materializations(dg.AssetKey("cost_center_days"), limit=1000).records
    values: dict[str, dict[str, object]] = {}
    for record in records:
        event = record.asset_materialization
        assert event is not None
        assert event.partition is not None
        values.setdefault(event.partition, {name: value.value for name, value in event.metadata.items()})
    return values


def test_the_plots_of_days_hold_every_cost_center_and_follow_them(both: Site) -> None:
    sunday = YESTERDAY - timedelta(days=1)
    both.run("refresh", "initech", sunday, YESTERDAY, only=FETCHED)
    both.clock.advance(timedelta(minutes=1))
    assert _made(_publish(both))["cost_center_days"] == 2
    assert {tuple(sorted(shown)) for shown in _plotted(both).values()} == {
        ("credits", "total_usd", "total_usd_initech", "unpriced_credits")
    }
    both.clock.advance(timedelta(minutes=1))
    # What nobody has computed again is not told again.
    assert "cost_center_days" not in _made(_publish(both))
    both.run("refresh", "hooli", YESTERDAY, YESTERDAY, only=FETCHED)
    both.clock.advance(timedelta(minutes=1))
    assert _made(_publish(both))["cost_center_days"] == 1

    rows = both.table("daily_costs").filter(date=YESTERDAY)
    by_center = {name: rows.filter(cost_center=name)["cost_usd"].sum() for name in ("initech", "hooli")}
    assert all(by_center.values())
    assert _plotted(both)[str(YESTERDAY)] == {
        "credits": float(rows["credits"].sum()),
        "unpriced_credits": 0.0,
        "total_usd": float(sum(by_center.values(), start=Decimal(0))),
        **{f"total_usd_{name}": float(value) for name, value in by_center.items()},
    }
    assert "total_usd_hooli" not in _plotted(both)[str(sunday)]


def test_credits_without_a_price_are_told_and_are_no_cost_of_zero(site: Site) -> None:
    site.centers = initech(Price("0.0006", "2022-01-01", str(YESTERDAY - timedelta(days=1))))
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=(*FETCHED, "published"))
    shown = _plotted(site)[str(YESTERDAY)]
    assert shown["unpriced_credits"] == shown["credits"] != 0
    assert "total_usd_initech" not in shown


def test_an_event_tells_of_each_table_that_a_publication_makes_again(site: Site) -> None:
    """Another cost center's run may have written daily costs since; the graph showed the tables as made before."""
    site.sections = TEAM
    site.run("refresh", "initech", YESTERDAY - timedelta(days=1), YESTERDAY - timedelta(days=1))
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=FETCHED)

    result = _publish(site)

    made = _made(result)
    assert {name: made.get(name, 0) for name in (*DERIVED, "published")} == dict.fromkeys((*DERIVED, "published"), 1)
    assert not {"usage_exports", "job_runs", "daily_costs", "infrastructure_costs"} & made.keys()
    newest = site.instance.get_latest_materialization_event(dg.AssetKey("allocated_costs"))
    assert newest is not None
    assert newest.run_id == result.run_id
    assert newest.asset_materialization is not None
    shown = newest.asset_materialization.metadata
    assert shown["made_by"].value == "published"
    assert shown["dagster/row_count"].value == site.table("allocated_costs").height
    # Its checks are those of the table as it is now.
    assert checks(result)["nothing_lost"].passed
    assert set(checks(result)) >= {"budgets_kept", "no_open_incidents", "rules_match_usage"}
    # What is up to date is left alone, and nothing asks for what was made once more.
    again = _made(_publish(site))
    assert not set(DERIVED) & again.keys()


def test_what_rests_on_a_table_that_is_made_again_is_made_again_too(site: Site) -> None:
    """A forecast made alone rested on the allocation of earlier costs, and counted as up to date."""
    site.sections = TEAM
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=(*FETCHED, "allocated_costs"))
    site.clock.advance(timedelta(minutes=1))
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["daily_costs", "cost_forecast"])

    made = _made(_publish(site))

    assert {"allocated_costs", "cost_forecast", "budget_status"} <= made.keys()


def test_a_table_made_again_that_loses_money_is_not_published(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.sections = TEAM
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=(*FETCHED, "published"))
    before = current_generation(site.lake).manifest.generation
    execute = duckdb.DuckDBPyConnection.execute

    def damaging(self: duckdb.DuckDBPyConnection, query: Any, *arguments: Any, **options: Any) -> Any:
        result = execute(self, query, *arguments, **options)
        if "INSERT INTO allocated_costs" in str(query):
            execute(self, "UPDATE allocated_costs SET cost_usd = cost_usd + 1")
        return result

    site.clock.advance(timedelta(minutes=1))
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["daily_costs"])
    monkeypatch.setattr(duckdb.DuckDBPyConnection, "execute", damaging)
    result = site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["published"], fails=True)

    assert failures(result) == [
        "published: allocated_costs: the sums of team differ from daily_costs; nothing was published."
    ]
    assert current_generation(site.lake).manifest.generation == before
    key = dg.AssetCheckKey(dg.AssetKey("allocated_costs"), "nothing_lost")
    record = site.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.status.value == "FAILED"


def _import(site: Site, first: date, last: date) -> None:
    files = write_export_files(
        site.folder / "kept", scenario(), (PAYING, SHARED), first, last, as_of=datetime(2024, 3, 11, tzinfo=UTC)
    )
    land_files(
        site.lake,
        "initech",
        files,
        first,
        last,
        organization_id=PAYING,
        shared_organization_ids=(SHARED,),
        clock=site.clock,
    )


def _exported(site: Site) -> set[str]:
    return site.instance.get_materialized_partitions(dg.AssetKey("usage_exports"))


def test_imported_days_are_no_missing_partitions_of_usage_exports(site: Site) -> None:
    first, last = YESTERDAY - timedelta(days=40), YESTERDAY - timedelta(days=36)
    _import(site, first, last)
    result = site.run("refresh", "initech", first, last, only=["job_runs", "daily_costs"])

    days = {f"initech|{first + timedelta(days=number)}" for number in range(5)}
    assert _exported(site) == days
    assert _made(result)["usage_exports"] == 5
    events = [each for each in result.filter_events(lambda each: each.is_step_materialization)]
    shown = next(each.materialization for each in events if each.asset_key == dg.AssetKey("usage_exports"))
    (export,) = landed_exports(site.lake, "initech")
    assert {name: value.value for name, value in shown.metadata.items()} == {
        "source": "imported files",
        "import": export.manifest.export_id,
        "window": f"{first} – {last}",
        "imported_parts": len(export.manifest.parts),
    }
    # Once; and it is the manifests that say what is there.
    assert "usage_exports" not in _made(site.run("refresh", "initech", first, last, only=["job_runs"]))
    assert set(missing_days(site.settings, site.lake, "initech", site.clock.now()).fetchable).isdisjoint(
        {first + timedelta(days=number) for number in range(5)}
    )


def test_imported_days_are_fetched_like_before_where_they_are_not_final(site: Site) -> None:
    _import(site, YESTERDAY - timedelta(days=1), YESTERDAY)
    site.run("refresh", "initech", YESTERDAY - timedelta(days=1), YESTERDAY, only=["job_runs"])
    assert len(_exported(site)) == 2
    days = [YESTERDAY - timedelta(days=1), YESTERDAY]
    assert open_days(site.settings, site.lake, "initech", days, site.clock.now()) == days


def test_days_imported_before_the_upgrade_are_told_by_the_next_run(site: Site) -> None:
    first, last = YESTERDAY - timedelta(days=40), YESTERDAY - timedelta(days=39)
    _import(site, first, last)
    site.run("refresh", "initech", YESTERDAY, YESTERDAY, only=["usage_exports", "job_runs"])
    assert _exported(site) == {f"initech|{day}" for day in (first, last, YESTERDAY)}


def test_numbers_of_tables_have_thousands_separators_and_names_break_no_cell() -> None:
    shown = table(("what", "credits", "jobs"), [("a|b", Decimal("1047676.5"), 12345), ("–", Decimal("0E-16"), 0)])
    assert shown.value == ("| what | credits | jobs |\n|---|---|---|\n| a\\|b | 1,047,676.5 | 12,345 |\n| – | 0 | 0 |")
