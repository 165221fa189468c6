"""The partitions of assets that are kept by day: day × cost center.

Only usage_exports, job_runs and daily_costs have them, and cost_center_days has days only: a partitioned asset costs
Dagster about 20 ms per partition and run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from circleci_cost.config.settings import Settings
from circleci_cost.days import days_between

DAY = "day"
COST_CENTER = "cost_center"


class _UsagePartitions(dg.MultiPartitionsDefinition):
    """Partitions whose keys are listed once an hour: 13 months of 200 cost centers take Dagster seconds each time.

    Dagster caches the list by the time, to the microsecond. Rounding to the hour is safe: no UTC day ends within one.
    """

    def _get_partition_keys(self, _current_time: datetime) -> Sequence[dg.MultiPartitionKey]:  # type: ignore[override]
        return super()._get_partition_keys(_current_time.replace(minute=0, second=0, microsecond=0))


def usage_partitions(settings: Settings) -> dg.MultiPartitionsDefinition:
    """Days from the fixed `history_start` to yesterday (UTC), for every cost center.

    Dagster orders the dimensions of a key by their names, so a key reads `acme|2026-11-21`.
    """
    return _UsagePartitions(
        {
            DAY: day_partitions(settings),
            COST_CENTER: dg.StaticPartitionsDefinition([center.name for center in settings.cost_centers]),
        }
    )


def day_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Days from the fixed `history_start` to yesterday (UTC)."""
    return dg.DailyPartitionsDefinition(start_date=settings.history_start.isoformat(), timezone="UTC")


def partition_key(cost_center: str, day: date) -> str:
    """The key of one cost center and day."""
    return str(dg.MultiPartitionKey({DAY: day.isoformat(), COST_CENTER: cost_center}))


_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_SINGLE = "dagster/partition"
# The tags that name the partitions of a run, and the tag by which `dagster.yaml` limits its runs.
PARTITION_TAGS = (_RANGE_START, _RANGE_END, _SINGLE)
COST_CENTER_TAG = "circleci_cost/cost_center"


def range_tags(cost_center: str, first: date, last: date) -> dict[str, str]:
    """The run tags that make one run of these days, both ends included."""
    return {
        _RANGE_START: partition_key(cost_center, first),
        _RANGE_END: partition_key(cost_center, last),
        COST_CENTER_TAG: cost_center,
    }


@dataclass(frozen=True)
class PartitionDays:
    """The days of one cost center that a run is asked for, in order."""

    cost_center: str
    days: tuple[date, ...]

    @property
    def first(self) -> date:
        """The earliest day."""
        return self.days[0]

    @property
    def last(self) -> date:
        """The latest day."""
        return self.days[-1]


def partition_days(keys: Iterable[str], partitions: dg.PartitionsDefinition) -> list[PartitionDays]:
    """Group a run's partition keys by cost center."""
    if not isinstance(partitions, dg.MultiPartitionsDefinition):
        raise TypeError(f"usage is partitioned by day and cost center, not by {type(partitions).__name__}")
    days: dict[str, list[date]] = {}
    for key in keys:
        dimensions = partitions.get_partition_key_from_str(key).keys_by_dimension
        days.setdefault(dimensions[COST_CENTER], []).append(date.fromisoformat(dimensions[DAY]))
    return [PartitionDays(name, tuple(sorted(dates))) for name, dates in sorted(days.items())]


def tagged_days(tags: Mapping[str, str], partitions: dg.MultiPartitionsDefinition) -> PartitionDays | None:
    """The days of one cost center that a run's tags name; None for a run without partitions or of several."""
    ends = [tags.get(name, tags.get(_SINGLE, "")) for name in (_RANGE_START, _RANGE_END)]
    if not all(ends):
        return None
    first, last = (partitions.get_partition_key_from_str(key).keys_by_dimension for key in ends)
    if first[COST_CENTER] != last[COST_CENTER]:
        return None
    days = days_between(*(date.fromisoformat(key_parts[DAY]) for key_parts in (first, last)))
    return PartitionDays(first[COST_CENTER], tuple(days))
