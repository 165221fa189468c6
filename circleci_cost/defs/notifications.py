"""Notifies people: the asset `notifications`, the sensor of failed runs, and the sensor that resends waiting messages.

`notify.occasions` decides what to notify of; a channel that fails never fails a run.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from circleci_cost.assets import JOB_RUNS, NOTIFICATIONS
from circleci_cost.clock import Clock, utc_today
from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, warning
from circleci_cost.defs.declared import asset_key, declared
from circleci_cost.defs.failed_runs import failure_in
from circleci_cost.defs.failures import dagster_failures
from circleci_cost.defs.following import follows_dependencies
from circleci_cost.defs.jobs import AssetJob
from circleci_cost.defs.partitions import PartitionDays, partition_key, tagged_days, usage_partitions
from circleci_cost.lake.layout import Lake
from circleci_cost.notify import events
from circleci_cost.notify.channels import open_channels
from circleci_cost.notify.delivery import DeliveryReport, deliver
from circleci_cost.notify.messages import Notice
from circleci_cost.notify.occasions import occasions
from circleci_cost.notify.outbox import Outbox, outbox_path
from circleci_cost.notify.routing import channels_for, enqueue_all
from circleci_cost.warehouse.publishing.generations import current_generation

_CHECKS = {
    "messages_delivered": "No message waits for a channel that failed; no end of a price or token goes untold.",
}
# Budgets, credits and incidents have messages of their own; a short history grows by itself.
_NOT_DATA_QUALITY = {"budgets_kept", "credits_last", "no_open_incidents", "series_long_enough"}
# Events that no check shows in the UI.
_WITHOUT_CHECK = {"price_gap", "token_expiry"}
# An upper bound: the days of a failed run, each read several times since.
_MOST_MATERIALIZATIONS = 10_000


def build_notification_asset(settings: Settings, checks: Sequence[dg.AssetCheckKey]) -> dg.AssetsDefinition:
    """The asset `notifications`; it also notifies of those `checks` that did not pass."""

    @dg.asset(
        **declared(NOTIFICATIONS),
        automation_condition=follows_dependencies(),
        kinds={"sqlite"},
        check_specs=check_specs(NOTIFICATIONS, _CHECKS),
        description=(
            "Tells people once what a publication gives reason to: finished imports, budgets, ends of prices and "
            "tokens, data quality, digests. Each message is kept in an outbox before it is sent and marked after; "
            "what could not be sent is tried again. Grain: message × channel."
        ),
    )
    def notifications(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], clock: dg.ResourceParam[Clock]
    ) -> metadata.Materialized:
        outbox = Outbox(outbox_path(lake), clock)
        with dagster_failures():
            budgets = usable_budgets(settings).budgets
            notices = [
                *occasions(settings, budgets, lake, current_generation(lake), clock.now(), outbox=outbox),
                *_recovered(settings, outbox, context.instance),
                *_failed_checks(context, checks, clock),
            ]
            queued = enqueue_all(outbox, settings.notifications, notices)
            report = _deliver(settings, outbox, clock)
        return dg.MaterializeResult(
            metadata={
                "queued": queued,
                "sent": report.sent,
                "waiting": report.waiting,
                "refused": report.failed,
                "expired": report.expired,
                "channels": ", ".join(channel.name for channel in settings.notifications.channels) or "–",
            },
            check_results=[warning("messages_delivered", [*report.problems, *_unnotified(settings, notices)])],
        )

    return notifications


def build_notification_sensors(
    settings: Settings, lake: Lake, clock: Clock, notify: AssetJob
) -> list[dg.SensorDefinition]:
    """The sensors `failed_syncs` and `outbox`; on where the configuration has channels."""
    status = dg.DefaultSensorStatus.RUNNING if settings.notifications.channels else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(
        name="failed_syncs",
        default_status=status,
        minimum_interval_seconds=30,
        description="Tells that a run over a cost center's days failed: once, until its days are there again.",
    )
    def failed_syncs(context: dg.RunFailureSensorContext) -> None:
        failed = failure_in(context.get_step_failure_events())
        sentence = failed.sentence if failed else context.failure_event.message or "The run failed."
        tell_failure(settings, lake, clock, context.dagster_run, sentence)

    @dg.sensor(
        name="outbox",
        job=notify,
        default_status=status,
        minimum_interval_seconds=60,
        description="Sends again what a channel could not take, when its time has come.",
    )
    def outbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        names = [channel.name for channel in settings.notifications.channels]
        if Outbox(outbox_path(lake), clock).has_due(names):
            # One run in five minutes: the next tick must not ask for another while this one waits.
            return dg.RunRequest(run_key=f"{int(clock.now().timestamp()) // 300}")
        return dg.SkipReason("No message waits, or its time has not come.")

    return [failed_syncs, outbox]


def tell_failure(settings: Settings, lake: Lake, clock: Clock, run: dg.DagsterRun, sentence: str) -> None:
    """Notify of a failed run. A sync that keeps failing gives one message until its days have been read.

    Other runs, such as that of an edited rule, give one message a week. Raises `StorageError` where the outbox cannot
    be used.
    """
    if not settings.notifications.channels:
        return
    outbox = Outbox(outbox_path(lake), clock)
    center_days = tagged_days(run.tags, usage_partitions(settings))
    if center_days is None or run.job_name == "reprice":
        subject = f"costs of {center_days.cost_center}" if center_days else "allocation and budgets"
        notice = events.data_quality("run failed", subject, sentence, _monday(clock), utc_today(clock))
    else:
        still_open = outbox.open_message("sync_failed", "sync_recovered", center_days.cost_center)
        period = still_open.key.period if still_open else None
        notice = events.sync_failed(
            center_days.cost_center, _range(center_days), sentence, run.run_id, open_period=period
        )
    enqueue_all(outbox, settings.notifications, [notice])
    _deliver(settings, outbox, clock)


def _unnotified(settings: Settings, notices: Sequence[Notice]) -> Iterator[str]:
    """The notices that no channel takes and no other check shows: prices and tokens that end."""
    for notice in notices:
        event = notice.key.event
        if event in _WITHOUT_CHECK and not channels_for(settings.notifications, event, notice.owner):
            yield f"No channel hears of {event}: {notice.message.title}"


def _recovered(settings: Settings, outbox: Outbox, instance: dg.DagsterInstance) -> Iterator[Notice]:
    """A notice for each failure whose days have all been read since, by any run."""
    for center in settings.cost_centers if settings.notifications.channels else ():
        failure = outbox.open_message("sync_failed", "sync_recovered", center.name)
        if failure is None:
            continue
        data = {name: str(failure.message.data[name]) for name in ("from", "to", "run_id")}
        days = DayRange(date.fromisoformat(data["from"]), date.fromisoformat(data["to"]))
        keys = {partition_key(center.name, day) for day in days_between(days.first, days.last)}
        run = instance.get_run_record_by_id(data["run_id"])
        # Only later reads count: the failed run may have read the days before it failed.
        since = run.end_time if run and run.end_time else failure.created_at.timestamp()
        read = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key(JOB_RUNS), sorted(keys), after_timestamp=since),
            limit=_MOST_MATERIALIZATIONS,
        )
        if keys <= {record.partition_key for record in read.records}:
            yield events.sync_recovered(center.name, days, data["run_id"], open_period=failure.key.period)


def _failed_checks(
    context: dg.AssetExecutionContext, checks: Sequence[dg.AssetCheckKey], clock: Clock
) -> Iterator[Notice]:
    """A notice for each check whose last result, in any run, was a failure; while it keeps failing, one a week."""
    latest = context.instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    for key, record in latest.items():
        event = record.event.dagster_event if record.event else None
        if event is None or record.status.value != "FAILED" or key.name in _NOT_DATA_QUALITY:
            continue
        sentence = event.asset_check_evaluation_data.description or "It did not pass."
        checked_on = datetime.fromtimestamp(record.create_timestamp, UTC).date()
        yield events.data_quality(key.name, key.asset_key.to_user_string(), sentence, _monday(clock), checked_on)


def _monday(clock: Clock) -> date:
    today = utc_today(clock)
    return today - timedelta(days=today.weekday())


def _deliver(settings: Settings, outbox: Outbox, clock: Clock) -> DeliveryReport:
    return deliver(outbox, open_channels(settings.notifications, os.environ, clock, settings.resolve))


def _range(center_days: PartitionDays) -> DayRange:
    return DayRange(center_days.first, center_days.last)
