"""Reads a cost center's token from the environment when it is used; nothing stores it.

The settings hold only the names of the variables.
"""

import os
from collections.abc import Mapping

from circleci_cost.errors import AuthorizationError
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.sections.section import shown_variable


def api_token(center: CostCenter, environment: Mapping[str, str] = os.environ) -> str:
    """The token of a cost center. Raises `AuthorizationError` where its variable is not set."""
    token = environment.get(center.api_token_env, "").strip()
    if not token:
        raise AuthorizationError(
            f"The token of cost center {center.name!r} is missing: the environment variable "
            f"{shown_variable(center.api_token_env, 'api_token_env')} is not set. Create a personal API token in "
            "CircleCI (User Settings → Personal API Tokens) as an organization admin and export it under that name, "
            "or put it into .env."
        )
    return token
