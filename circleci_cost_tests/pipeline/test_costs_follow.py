"""A backfill of `usage_exports` and `job_runs` alone, as Dagster's UI offers it: daily costs follow by themselves."""

from datetime import timedelta

import dagster as dg

from circleci_cost import assets
from circleci_cost_tests.pipeline.harness import Site
from circleci_cost_tests.pipeline.scenarios import YESTERDAY

FIRST = YESTERDAY - timedelta(days=4)


def _tick(site: Site, cursor: str | None) -> tuple[list[dg.RunRequest], str | None]:
    """What the sensor `costs_follow` asks for, and its cursor."""
    (sensor,) = (each for each in site.definitions.sensors or () if each.name == "costs_follow")
    assert isinstance(sensor, dg.SensorDefinition)
    with dg.build_sensor_context(instance=site.instance, cursor=cursor, definitions=site.definitions) as context:
        data = sensor.evaluate_tick(context)
    return list(data.run_requests or ()), data.cursor


def test_daily_costs_follow_a_backfill_of_the_ingested_assets_alone(site: Site) -> None:
    site.run("refresh", "initech", FIRST, YESTERDAY)
    *_, automation = site.requested()
    site.run("ingest", "initech", FIRST, YESTERDAY)

    (asked,), cursor = _tick(site, None)
    assert asked.asset_selection == [dg.AssetKey("daily_costs")]
    (sensor,) = (each for each in site.definitions.sensors or () if each.name == "costs_follow")
    assert sensor.job_name is not None
    result = site.definitions.resolve_job_def(sensor.job_name).execute_in_process(
        instance=site.instance,
        tags=dict(asked.tags),
        asset_selection=list(asked.asset_selection),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    assert result.success
    days = {key.split("|")[1] for key in site.instance.get_materialized_partitions(dg.AssetKey("daily_costs"))}
    assert days == {str(FIRST + timedelta(days=number)) for number in range(5)}
    # Once is enough, and what follows costs is the sensor `automation`'s.
    assert _tick(site, cursor) == ([], cursor)
    assert site.requested(automation)[0] >= set(assets.FOLLOWING) - {"infrastructure_costs"}


def test_costs_wait_for_a_backfill_that_is_under_way_and_ask_for_nothing_that_is_there(site: Site) -> None:
    site.price("initech", FIRST, YESTERDAY)
    asked, cursor = _tick(site, None)
    assert (asked, cursor is not None) == ([], True)

    site.run("ingest", "initech", YESTERDAY, YESTERDAY)
    run = site.instance.create_run_for_job(
        site.definitions.resolve_job_def("ingest"), asset_selection=frozenset({dg.AssetKey("job_runs")})
    )
    assert _tick(site, cursor) == ([], cursor)
    site.instance.report_run_canceled(run)
    (only,), _ = _tick(site, cursor)
    assert only.tags["dagster/asset_partition_range_start"] == f"initech|{YESTERDAY}"
