"""Reads a channel's secret from the environment when it is used; nothing stores it.

The sections of the configuration hold only the names of the variables.
"""

from collections.abc import Mapping

from circleci_cost.notify.failures import NotDelivered
from circleci_cost.sections.section import shown_variable


def secret(variable: str, environment: Mapping[str, str]) -> str:
    """The value of an environment variable. Raises `NotDelivered` where it is not set."""
    value = environment.get(variable, "").strip()
    if not value:
        name = shown_variable(variable, "a channel")
        raise NotDelivered(f"The environment variable {name} is not set; set it, or put it into .env.")
    return value
