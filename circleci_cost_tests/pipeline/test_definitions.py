"""Everything that Dagster is given, as one readable snapshot: a change of it is a change for users."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from circleci_cost.config.settings import load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.partitions import partition_key
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.pricing import price_periods
from circleci_cost_tests.pipeline.harness import Site, hooli, initech, metadata, running
from circleci_cost_tests.pipeline.scenarios import YESTERDAY

DAY_AND_CENTER = "day × cost_center"

ASSETS = {
    "usage_exports": {
        "group": "ingest",
        "kinds": {"circleci", "csv"},
        "deps": [],
        "partitions": DAY_AND_CENTER,
        "backfill": "up to 31 partitions a run",
        "checks": {},
    },
    "job_runs": {
        "group": "ingest",
        "kinds": {"parquet", "polars"},
        "deps": ["usage_exports"],
        "partitions": DAY_AND_CENTER,
        "backfill": "up to 31 partitions a run",
        "checks": {
            "each_job_once": "blocking",
            "jobs_in_their_partition": "blocking",
            "credits_complete": "blocking",
            "charge_types_known": "",
            "jobs_in_window": "",
            "no_vanished_jobs": "",
            "columns_known": "",
            "organizations_known": "",
            "export_for_each_day": "",
        },
    },
    "pricing_periods": {
        "group": "costs",
        "kinds": {"duckdb", "toml"},
        "deps": [],
        "partitions": None,
        "backfill": None,
        "checks": {"every_day_priced": ""},
    },
    "daily_costs": {
        "group": "costs",
        "kinds": {"duckdb"},
        "deps": ["job_runs", "pricing_periods"],
        "partitions": DAY_AND_CENTER,
        "backfill": "one run",
        "checks": {
            "credits_equal_job_runs": "blocking",
            "charge_types_add_up": "blocking",
            "all_credits_priced": "",
            "job_runs_for_each_day": "",
        },
    },
    # Told of by `published`; nothing makes it.
    "cost_center_days": {
        "group": "publishing",
        "kinds": {"duckdb"},
        "deps": ["published"],
        "partitions": "day",
        "backfill": None,
        "checks": {},
    },
    "allocated_costs": {
        "group": "allocation",
        "kinds": {"duckdb", "toml"},
        "deps": ["daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {
            "nothing_lost": "blocking",
            "allocation_coverage": "",
            "rules_match_usage": "",
            "tag_files_readable": "",
            "splits_as_configured": "",
        },
    },
    "cost_forecast": {
        "group": "budgets",
        "kinds": {"duckdb", "polars"},
        "deps": ["allocated_costs", "daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {},
    },
    "budget_status": {
        "group": "budgets",
        "kinds": {"duckdb", "polars"},
        "deps": ["allocated_costs", "cost_forecast", "daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {"budgets_kept": "", "budgets_match_usage": "", "budget_files_readable": ""},
    },
    "infrastructure_costs": {
        "group": "infrastructure",
        "kinds": {"duckdb", "polars"},
        "deps": [],
        "partitions": None,
        "backfill": None,
        "checks": {
            "files_readable": "",
            "infrastructure_fresh": "",
            "currency_rates_cover_days": "",
            "days_counted_once": "",
            "amounts_and_tags_filled": "",
        },
    },
    "cost_anomalies": {
        "group": "analysis",
        "kinds": {"duckdb", "polars"},
        "deps": ["allocated_costs", "daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {
            "no_open_incidents": "",
            "few_false_alarms": "",
            "series_long_enough": "",
            "decisions_match_incidents": "",
            "decisions_readable": "",
        },
    },
    "anomaly_drivers": {
        "group": "analysis",
        "kinds": {"duckdb", "polars"},
        "deps": ["cost_anomalies", "daily_costs", "infrastructure_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {},
    },
    "cost_correlations": {
        "group": "analysis",
        "kinds": {"duckdb", "polars"},
        "deps": ["daily_costs", "infrastructure_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {"series_long_enough": ""},
    },
    "credit_ledger": {
        "group": "credits",
        "kinds": {"duckdb", "polars"},
        "deps": ["cost_forecast", "daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {"purchases_readable": "", "purchases_complete": "", "credits_last": ""},
    },
    "class_advice": {
        "group": "efficiency",
        "kinds": {"duckdb", "polars"},
        "deps": ["daily_costs", "job_runs"],
        "partitions": None,
        "backfill": None,
        "checks": {"rates_match_export": ""},
    },
    "reconciliation": {
        "group": "credits",
        "kinds": {"duckdb", "polars"},
        "deps": ["credit_ledger", "daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {"invoices_explained": ""},
    },
    "waste": {
        "group": "efficiency",
        "kinds": {"duckdb"},
        "deps": ["daily_costs"],
        "partitions": None,
        "backfill": None,
        "checks": {"waste_within_cost": "blocking"},
    },
    "published": {
        "group": "publishing",
        "kinds": {"duckdb", "parquet"},
        "deps": [
            "allocated_costs",
            "anomaly_drivers",
            "budget_status",
            "class_advice",
            "cost_anomalies",
            "cost_correlations",
            "cost_forecast",
            "credit_ledger",
            "daily_costs",
            "infrastructure_costs",
            "pricing_periods",
            "reconciliation",
            "waste",
        ],
        "partitions": None,
        "backfill": None,
        "checks": {},
    },
    "focus_export": {
        "group": "publishing",
        "kinds": {"duckdb", "parquet"},
        "deps": ["published"],
        "partitions": None,
        "backfill": None,
        "checks": {},
    },
    "notifications": {
        "group": "publishing",
        "kinds": {"sqlite"},
        "deps": ["published"],
        "partitions": None,
        "backfill": None,
        "checks": {"messages_delivered": ""},
    },
}
# asset, runs by itself
STANDING_CHECKS = {
    "prices_up_to_date": ("daily_costs", True),
    "computed_by_this_version": ("daily_costs", False),
    "no_gaps": ("job_runs", True),
    "no_unsettled_days": ("job_runs", True),
    "data_fresh": ("job_runs", True),
    "no_failed_partitions": ("job_runs", True),
}
FOLLOWING = [
    "allocated_costs",
    "anomaly_drivers",
    "budget_status",
    "class_advice",
    "cost_anomalies",
    "cost_correlations",
    "cost_forecast",
    "credit_ledger",
    "focus_export",
    "infrastructure_costs",
    "notifications",
    "published",
    "reconciliation",
    "waste",
]
JOBS = {
    "ingest": ["job_runs", "usage_exports"],
    "reprice": sorted(["daily_costs", "pricing_periods", *FOLLOWING]),
    "refresh": sorted(["daily_costs", "job_runs", "pricing_periods", "usage_exports", *FOLLOWING]),
    "allocate": FOLLOWING,
    "notify": ["notifications"],
    "check": [],
}
UNPARTITIONED_JOBS = {"allocate", "notify", "check"}


@pytest.fixture
def definitions(site: Site) -> dg.Definitions:
    return site.definitions


def _partitions(definition: dg.PartitionsDefinition[str] | None) -> str | None:
    if definition is None:
        return None
    if isinstance(definition, dg.DailyPartitionsDefinition):
        return "day"
    assert isinstance(definition, dg.MultiPartitionsDefinition)
    return " × ".join(sorted((each.name for each in definition.partitions_defs), reverse=True))


def _spec(
    definition: object,
) -> tuple[dg.AssetSpec, dg.BackfillPolicy | None, Sequence[dg.AssetCheckSpec]]:
    if isinstance(definition, dg.AssetSpec):
        return definition, None, ()
    assert isinstance(definition, dg.AssetsDefinition)
    (spec,) = definition.specs
    return spec, definition.backfill_policy, list(definition.check_specs)


def _backfill(policy: dg.BackfillPolicy | None) -> str | None:
    if policy is None:
        return None
    most = policy.max_partitions_per_run
    return "one run" if most is None else f"up to {most} partitions a run"


def test_the_assets_are_these(definitions: dg.Definitions) -> None:
    actual = {}
    for definition in definitions.assets or ():
        spec, backfill, checks = _spec(definition)
        actual[spec.key.to_user_string()] = {
            "group": spec.group_name,
            "kinds": spec.kinds,
            "deps": sorted(dependency.asset_key.to_user_string() for dependency in spec.deps),
            "partitions": _partitions(spec.partitions_def),
            "backfill": _backfill(backfill),
            "checks": {check.name: "blocking" if check.blocking else "" for check in checks},
        }
        assert spec.description
        assert all(check.description for check in checks)
    assert actual == ASSETS


def test_each_asset_has_an_owner_and_is_late_after_a_missed_day(site: Site) -> None:
    """Without them the UI knows nobody to ask, and shows what was made a month ago as it shows what is of today."""
    late = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=27), fail_window=timedelta(hours=51))
    specs = [_spec(each)[0] for each in site.definitions.assets or ()]
    assert {spec.key.to_user_string() for spec in specs} == set(ASSETS)
    assert {tuple(spec.owners) for spec in specs} == {("team:finops",)}
    # Files of infrastructure that nobody configured are not read daily.
    without = {spec.key.to_user_string() for spec in specs if spec.freshness_policy is None}
    assert without == {"infrastructure_costs"}
    assert all(spec.freshness_policy == late for spec in specs if spec.freshness_policy is not None)


def test_what_owners_and_freshness_are_added_to_stays_what_it_is(site: Site) -> None:
    """A code version that changed would make everything again after an upgrade."""
    specs = {spec.key.to_user_string(): spec for each in site.definitions.assets or () for spec in [_spec(each)[0]]}
    versioned = {name for name, spec in specs.items() if spec.code_version}
    assert versioned == {
        "pricing_periods",
        "allocated_costs",
        "cost_forecast",
        "budget_status",
        "infrastructure_costs",
        "cost_anomalies",
        "anomaly_drivers",
        "cost_correlations",
        "credit_ledger",
        "class_advice",
        "reconciliation",
        "waste",
    }
    automated = {name for name, spec in specs.items() if spec.automation_condition}
    assert automated == {"pricing_periods", *FOLLOWING}
    assert specs["pricing_periods"].code_version == price_periods.content_hash(site.settings.price_periods)


def test_only_what_changes_the_tables_of_anomalies_makes_them_again(site: Site) -> None:
    """Code version of the two assets by what `[anomalies]` and `[calendar]` say."""

    def versions(section: str) -> set[str | None]:
        site.sections = f"\n{section}\n"
        specs = [spec for each in site.definitions.assets or () for spec in [_spec(each)[0]]]
        return {
            each.code_version for each in specs if each.key.to_user_string() in {"cost_anomalies", "anomaly_drivers"}
        }

    (usual,) = versions("")
    assert versions("[anomalies]\nrenotify_at = 3") == {usual}
    for section in (
        "[anomalies]\nfalse_alarms_per_series_year = 1",
        "[anomalies]\nminimum_impact_usd = 2",
        '[anomalies]\ndirections = ["up"]',
        "[[anomalies.ignored_periods]]\nuntil = 2026-01-01",
        '[calendar]\ncountry = "DE"',
    ):
        (version,) = versions(section)
        assert version != usual, section


def test_owners_of_the_configuration_are_those_of_the_assets(site: Site) -> None:
    configuration = site.configuration
    configuration.write_text('asset_owners = ["team:platform", "ada@example.com"]\n' + configuration.read_text())
    definitions = build_definitions(load_settings(configuration), clock=site.clock)
    assert {tuple(_spec(each)[0].owners) for each in definitions.assets or ()} == {("team:platform", "ada@example.com")}
    configuration.write_text(configuration.read_text().replace("team:platform", "platform"))
    with pytest.raises(ConfigurationError, match=r'asset_owners.*write a team such as "team:finops"'):
        load_settings(configuration)


def test_the_standing_checks_are_these(definitions: dg.Definitions) -> None:
    actual = {}
    for definition in definitions.asset_checks or ():
        (spec,) = definition.check_specs
        by_itself = spec.automation_condition is not None
        actual[spec.name] = (spec.asset_key.to_user_string(), by_itself)
        assert spec.description
        assert not spec.blocking
    assert actual == STANDING_CHECKS


def test_the_jobs_are_these_and_each_has_a_maximum_runtime(definitions: dg.Definitions) -> None:
    actual = {}
    for name in JOBS:
        job = definitions.resolve_job_def(name)
        actual[name] = sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)
        assert job.tags["dagster/max_runtime"] == "28800"
        assert _partitions(job.partitions_def) == (None if name in UNPARTITIONED_JOBS else DAY_AND_CENTER)
    assert actual == JOBS


def test_the_schedule_and_the_automation_are_on_and_senders_where_there_are_channels(
    site: Site, definitions: dg.Definitions
) -> None:
    (schedule,) = definitions.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.name, schedule.job_name, schedule.cron_schedule, schedule.execution_timezone) == (
        "daily_refresh",
        "refresh",
        "30 10 * * *",
        "UTC",
    )
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    sensors = {each.name: each.default_status for each in definitions.sensors or ()}
    on, off = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED
    assert sensors == {"automation": on, "costs_follow": on, "dead_runs": on, "failed_syncs": off, "outbox": off}
    site.sections = '[[notifications.channels]]\nname = "chat"\ntype = "slack"\nurl_env = "SLACK_URL"\n'
    sensors = {each.name: each.default_status for each in site.definitions.sensors or ()}
    assert sensors == {"automation": on, "costs_follow": on, "dead_runs": on, "failed_syncs": on, "outbox": on}


def test_keys_name_the_cost_center_and_the_day(tmp_path: Path) -> None:
    with running(tmp_path, initech() | hooli()) as site:
        partitions = site.definitions.resolve_job_def("ingest").partitions_def
        assert partitions is not None
        keys = partitions.get_partition_keys()
        assert keys[0] == "initech|2024-01-01" == partition_key("initech", site.history_start)
        assert "hooli|2024-03-11" in keys


NUMBERS = {
    "usage_exports": {"exports", "parts", "bytes"},
    "job_runs": {"dagster/partition_row_count", "jobs", "runs", "credits", "rows_read", "duplicate_rows"},
    "daily_costs": {"dagster/partition_row_count", "runs", "credits", "unpriced_credits", "total_usd"},
    "pricing_periods": {"dagster/row_count", "daily_rates"},
    "published": {
        "credits",
        "unpriced_credits",
        "total_usd",
        "daily_costs_rows",
        "usage_days_rows",
        "pricing_periods_rows",
        "daily_rates_rows",
        "usage_restatements_rows",
        "allocated_costs_rows",
        "budget_status_rows",
        "cost_forecast_rows",
        "forecast_totals_rows",
        "forecast_backtests_rows",
        "credit_lots_rows",
        "credit_outlook_rows",
        "credit_forecast_rows",
        "reconciliation_rows",
        "cost_anomalies_rows",
        "anomaly_incidents_rows",
        "anomaly_drivers_rows",
        "infrastructure_costs_rows",
        "infrastructure_files_rows",
        "cost_correlations_rows",
        "incident_services_rows",
        "class_advice_rows",
        "class_changes_rows",
        "waste_rows",
        "dlc_evidence_rows",
        "dimension_values_rows",
    },
    "allocated_costs": {"dagster/row_count"},
    "cost_forecast": {"dagster/row_count", "series"},
    "budget_status": {"dagster/row_count", "on_track", "at_risk", "over_budget"},
    "credit_ledger": {"dagster/row_count", "lots", "balance_credits", "balance_usd"},
    "reconciliation": {"dagster/row_count", "invoiced_usd", "unexplained_usd"},
    "infrastructure_costs": {
        "dagster/row_count",
        "days",
        "total_usd",
        "files_read",
        "files_unchanged",
        "files_superseded",
        "rows_left_out",
        "rows_spread",
    },
    "cost_anomalies": {
        "dagster/row_count",
        "series",
        "series_too_short",
        "incidents",
        "open_incidents",
        "open_impact_usd",
        "lone_alarms_90_days",
    },
    "anomaly_drivers": {"dagster/row_count", "services_that_shifted"},
    "cost_correlations": {
        "dagster/row_count",
        "ci_series",
        "infrastructure_series",
        "pairs_tested",
        "pairs_significant",
        "series_too_short",
    },
    "class_advice": {"dagster/row_count", "jobs_with_advice", "saving_usd_per_month", "changes", "changes_to_revert"},
    "waste": {"dagster/row_count", "wasted_usd", "jobs_with_caching", "jobs_with_caching_judged"},
    "focus_export": {"months_unchanged", "rows_written", "written_usd"},
    "notifications": {"queued", "sent", "waiting", "refused", "expired"},
}


def test_figures_are_numbers_that_the_ui_can_plot(site: Site) -> None:
    result = site.run("refresh", "initech", YESTERDAY, YESTERDAY)
    actual: dict[str, set[str]] = {}
    for name in NUMBERS:
        values: dict[str, Any] = metadata(result, name)
        actual[name] = {key for key, value in values.items() if isinstance(value, int | float)}
    assert actual == NUMBERS
    assert metadata(result, "daily_costs")["largest_costs_of_this_run"].startswith(
        "| cost center | project | workflow | credits | USD |"
    )
    assert metadata(result, "pricing_periods")["timeline"].endswith("| initech | 0.0006 | 2022-01-01 | ongoing |")


def test_each_partition_shows_its_own_figures_and_not_the_runs(site: Site) -> None:
    result = site.run("refresh", "initech", YESTERDAY.replace(day=8), YESTERDAY)
    costs = site.table("daily_costs")
    shown = {}
    for event in result.asset_materializations_for_node("daily_costs"):
        assert event.partition is not None
        values = {name: value.value for name, value in event.metadata.items()}
        shown[event.partition] = (values["dagster/partition_row_count"], values["credits"], values["total_usd"])
    assert shown == {
        f"initech|{day}": (rows.height, float(rows["credits"].sum()), float(rows["cost_usd"].sum()))
        for (day,), rows in costs.partition_by("date", as_dict=True).items()
    }
    jobs = {
        event.partition: event.metadata["jobs"].value for event in result.asset_materializations_for_node("job_runs")
    }
    assert jobs == {
        f"initech|{day}": rows["jobs"].sum() for (day,), rows in costs.partition_by("date", as_dict=True).items()
    }
