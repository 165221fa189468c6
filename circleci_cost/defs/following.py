"""When an asset without partitions is made again by itself: after what it is made from, or after an edited file.

The sensor that acts on these conditions is `automation`'s.
"""

from typing import Any

import dagster as dg


def follows_dependencies() -> dg.AutomationCondition[Any]:
    """Once what it depends on has been made later than itself, and is no longer being made.

    What depends on what is requested now is requested with it. After a failed run it waits for the next change.
    """
    fresh = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated())
    # Of events between two ticks Dagster compares the times, but only where neither side is put together by `|`.
    outdated = fresh.since(dg.AutomationCondition.newly_updated())
    unasked = fresh.since(dg.AutomationCondition.newly_requested())
    chained = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
    return (
        ((outdated & unasked) | chained)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def checks_dependencies() -> dg.AutomationCondition[Any]:
    """For a check: once what it depends on has been made, unless a run with it in has checked that since."""
    return dg.AutomationCondition.any_deps_updated().since(_made()) & ~dg.AutomationCondition.in_progress()


def checks_every_day() -> dg.AutomationCondition[Any]:
    """For a check that has to be made although nothing runs, or what runs fails: at noon, after the daily run."""
    return dg.AutomationCondition.cron_tick_passed("0 12 * * *") & ~dg.AutomationCondition.in_progress()


def follows_configuration() -> dg.AutomationCondition[Any]:
    """Once its part of the configuration, which is its code version, has changed."""
    return dg.AutomationCondition.code_version_changed().since(_made())


def _made() -> dg.AutomationCondition[Any]:
    return dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()
