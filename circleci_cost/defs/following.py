"""When an asset without partitions is made again by itself: after what it is made from, or after an edited file.

The sensor that acts on these conditions is `automation`'s.
"""

from typing import Any

import dagster as dg


def follows_dependencies() -> dg.AutomationCondition[Any]:
    """Once what it depends on has been made again, is no longer being made, and it has not been made since.

    The runs of jobs do not say which assets they hold, so Dagster could not tell by itself that one run made both.
    """
    return (
        dg.AutomationCondition.any_deps_updated().since(_made())
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def follows_configuration() -> dg.AutomationCondition[Any]:
    """Once its part of the configuration, which is its code version, has changed."""
    return dg.AutomationCondition.code_version_changed().since(_made())


def _made() -> dg.AutomationCondition[Any]:
    return dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()
