"""Which tokens are good and which organizations they may read.

Tokens are compared and forgotten: never logged, never part of an error.
"""

from dataclasses import dataclass, field
from typing import Protocol

from starlette.exceptions import HTTPException


class Headers(Protocol):
    """Request headers, looked up without regard to case."""

    def get(self, key: str, default: str, /) -> str:
        """Return a header's value."""
        ...


@dataclass
class Access:
    """The good tokens and the refusals; tests may change them at any time.

    `tokens` None accepts any non-empty token. `expired_tokens` are refused with 401, `forbidden_organizations` (ids)
    with 403, as if the user were no administrator.
    """

    tokens: set[str] | None = field(default=None, repr=False)
    expired_tokens: set[str] = field(default_factory=set, repr=False)
    forbidden_organizations: set[str] = field(default_factory=set)

    def check_token(self, headers: Headers) -> None:
        """Answer 401 unless a good token came as `Circle-Token` or as a bearer."""
        token = token_of(headers)
        if not token:
            raise HTTPException(401, "You must log in first.")
        if token in self.expired_tokens or (self.tokens is not None and token not in self.tokens):
            raise HTTPException(401, "Invalid token provided.")

    def check_organization(self, organization_id: str) -> None:
        """Answer 403 where the token's user is not an administrator of the organization."""
        if organization_id in self.forbidden_organizations:
            raise HTTPException(403, "Permission denied.")


def token_of(headers: Headers) -> str:
    """Return the token of a request, empty where there is none."""
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    return headers.get("Circle-Token", "") or (bearer.strip() if scheme.lower() == "bearer" else "")
