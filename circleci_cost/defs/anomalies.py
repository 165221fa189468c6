"""The assets that show what changed and why: cost_anomalies with its incidents, and anomaly_drivers."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal

import dagster as dg
import polars as pl

from circleci_cost.assets import ANOMALY_DRIVERS, COST_ANOMALIES
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning, when
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.model.incidents.incidents import IncidentStatus
from circleci_cost.model.incidents.text import TABLE_HEADER, cells, series_text
from circleci_cost.named_files.csv_tables import bytes_or_missing
from circleci_cost.text.amounts import signed
from circleci_cost.warehouse.anomalies.cost_anomalies import AnomalySummary
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.incidents.explanations import ExplanationSummary

_CHECKS = {
    "no_open_incidents": "No incident goes on that is neither expected nor ignored.",
    "few_false_alarms": "Alarms that came to nothing are about as rare as was accepted.",
    "series_long_enough": "At most half of the series are too short to be judged.",
    "decisions_match_incidents": "Every decision is about an incident that there is.",
    "decisions_readable": "The file of decisions could be used; else those that were read last stay.",
}
_SHOWN_ROWS = 20
# The check warns when false alarms exceed the accepted rate by this factor: the measured rate is an upper bound.
_TOLERATED_FACTOR = 3.0
_TOO_SHORT = 0.5


def build_anomaly_assets(settings: Settings) -> list[DerivedAsset]:
    """The assets `cost_anomalies` and `anomaly_drivers`."""
    anomalies = build_derived_asset(
        COST_ANOMALIES,
        settings,
        Derivation.detect,
        lambda summary, _: _anomaly_result(summary, settings),
        code_version=_code_version(settings),
        kinds={"duckdb", "polars"},
        check_specs=check_specs(COST_ANOMALIES, _CHECKS),
        description=(
            "How each day of each series was judged by the days before it, and anomaly_incidents: one row per cause, "
            "at the level that explains it best. Series are cost centers, organizations, projects, workflows, jobs, "
            "resource classes, teams and charge types; measures are cost, credits, runs and rates. Grain: measure "
            "× series × day, and incident. Levels contain each other: never add them up."
        ),
    )
    drivers = build_derived_asset(
        ANOMALY_DRIVERS,
        settings,
        Derivation.explain,
        lambda summary, _: _driver_result(summary),
        code_version=_code_version(settings),
        kinds={"duckdb", "polars"},
        description=(
            "What each incident is due to, against the same weekdays of the four weeks before: runs, minutes per run, "
            "credits per minute (class), price, new and vanished jobs. Grain: incident × job × driver; the effects of "
            "the ranks from 1 on add up to the change of rank 0, to the last digit. And incident_services: the "
            "infrastructure services whose level shifted around it."
        ),
    )
    return [anomalies, drivers]


def _anomaly_result(summary: AnomalySummary, settings: Settings) -> metadata.Materialized:
    """The result of `cost_anomalies` for Dagster: metadata and checks."""
    return dg.MaterializeResult(metadata=_anomaly_metadata(summary), check_results=list(_results(summary, settings)))


def _driver_result(summary: ExplanationSummary) -> metadata.Materialized:
    """The result of `anomaly_drivers` for Dagster: metadata."""
    return dg.MaterializeResult(metadata=_driver_metadata(summary))


def _code_version(settings: Settings) -> str:
    """A hash of the configuration and the file of decisions; a missing file is reported when the asset is made."""
    # `renotify_at` decides when to notify again and changes no row.
    of_tables = settings.anomalies.model_dump_json(exclude={"renotify_at"})
    digest = hashlib.sha256(f"{of_tables}{settings.calendar.model_dump_json()}".encode())
    if settings.anomalies.decisions is not None:
        path = settings.resolve(settings.anomalies.decisions)
        digest.update(bytes_or_missing(path))
    return digest.hexdigest()[:16]


def _anomaly_metadata(summary: AnomalySummary) -> dict[str, metadata.Value]:
    incidents = summary.incidents
    open_incidents = incidents.filter(status=IncidentStatus.OPEN.value)
    through = ", ".join(f"{name}: {day}" for name, day in sorted(summary.through.items()))
    rate = summary.quality.lone_alarms_per_series_year
    return {
        "dagster/row_count": summary.rows,
        "data_through": through or "–",
        "series": summary.series,
        "series_too_short": round(summary.quality.too_short_share, 4),
        "incidents": incidents.height,
        "open_incidents": open_incidents.height,
        "open_impact_usd": metadata.number(sum(open_incidents.get_column("impact_usd"), start=Decimal(0))),
        "lone_alarms_90_days": summary.quality.lone_alarms,
        **({} if rate is None else {"lone_alarms_per_series_year": round(rate, 4)}),
        "newest_incidents": metadata.table(TABLE_HEADER, map(cells, incidents.head(_SHOWN_ROWS).iter_rows(named=True))),
    }


def _results(summary: AnomalySummary, settings: Settings) -> Iterator[dg.AssetCheckResult]:
    open_incidents = summary.incidents.filter(status=IncidentStatus.OPEN.value)
    yield warning(
        "no_open_incidents",
        (
            f"{row['series']} ({row['kind'].replace('_', ' ')} since {row['first_day']})"
            for row in open_incidents.to_dicts()
        ),
    )
    rate, accepted = summary.quality.lone_alarms_per_series_year, settings.anomalies.false_alarms_per_series_year
    yield warning(
        "few_false_alarms",
        [
            f"in the last 90 days {rate:.2f} alarms per series-year came to nothing, {accepted:g} were accepted: lower "
            "false_alarms_per_series_year, or tell the holidays of [calendar]"
        ]
        if rate is not None and rate > _TOLERATED_FACTOR * accepted
        else [],
    )
    share = summary.quality.too_short_share
    yield warning(
        "series_long_enough",
        when(
            share > _TOO_SHORT,
            f"{metadata.percent(share)} of {summary.quality.series} series have less than two weeks of history",
        ),
    )
    yield warning("decisions_match_incidents", summary.unmatched_decisions)
    yield failure("decisions_readable", summary.problems)


def _driver_metadata(summary: ExplanationSummary) -> dict[str, metadata.Value]:
    explained = summary.explained.filter(pl.col("sentence").is_not_null()).head(_SHOWN_ROWS)
    return {
        "dagster/row_count": summary.drivers,
        "services_that_shifted": summary.services,
        "explained": metadata.table(
            ("incident", "since", "impact", "why"),
            (
                (series_text(row), row["first_day"], signed(row["impact_usd"]), row["sentence"])
                for row in explained.iter_rows(named=True)
            ),
        ),
    }
