"""Reads a channel's secret from the environment at the moment of its use; nothing keeps it."""

from collections.abc import Mapping

from circleci_cost.notify.failures import NotDelivered


def secret(variable: str, environment: Mapping[str, str]) -> str:
    """The value of a variable. Raises `NotDelivered` where it is not set."""
    value = environment.get(variable, "").strip()
    if not value:
        raise NotDelivered(f"The environment variable {variable} is not set; set it, or put it into .env.")
    return value
