"""Says that the configuration was edited after the last publication.

The sentence is `warehouse.publishing.edited`'s.
"""

from circleci_cost.cli.streams import say
from circleci_cost.config.settings import Settings
from circleci_cost.warehouse.publishing.edited import edited
from circleci_cost.warehouse.publishing.generations import Generation


def say_edited(settings: Settings, generation: Generation) -> None:
    """Say so on stderr."""
    if sentence := edited(settings, generation):
        say(f"Note: {sentence}.")
