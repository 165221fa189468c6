"""Whether the configuration was edited after the last publication: the published numbers lack the edits.

What was asked for and is not published at all, such as a virtual tag, is named where it is asked for.
"""

from datetime import UTC, datetime

from circleci_cost.config.settings import Settings
from circleci_cost.text.units import to_the_minute
from circleci_cost.warehouse.publishing.generations import Generation


def edited(settings: Settings, generation: Generation) -> str | None:
    """The sentence about a configuration that is newer than the published generation; None where it is not."""
    source = settings.source_file
    if source is None:
        return None
    try:
        changed = datetime.fromtimestamp(source.stat().st_mtime, UTC)
    except OSError:
        # The file was moved after it was read: there is nothing to compare with.
        return None
    published_at = generation.manifest.published_at
    if changed <= published_at:
        return None
    return (
        f"{source.name} was edited after these numbers were published ({to_the_minute(published_at)}): changed "
        "virtual tags, budgets, purchases and infrastructure show after `circleci-cost allocation apply`, changed "
        "prices after `circleci-cost reprice`"
    )
