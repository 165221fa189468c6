"""What one connection to CircleCI needs: endpoint and token, organization, limits.

Reading them from a file or the environment is the job of `config`.
"""

from dataclasses import dataclass, field

from circleci_cost.circleci.windows import REACH_DAYS

BASE_URL = "https://circleci.com/api/v2"
DOWNLOAD_HOSTS = ("*.amazonaws.com",)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An API and the personal token for it; `token_env` names the token's variable in messages."""

    token: str = field(repr=False)
    token_env: str
    base_url: str = BASE_URL


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The access of one cost center to its usage exports.

    `download_hosts` are exact names or `*.domain`; `posts_per_hour` and `gets_per_minute` are
    CircleCI's limits per organization.
    """

    cost_center: str
    organization_id: str
    shared_organization_ids: tuple[str, ...] = ()
    slug: str | None = None
    token: str = field(repr=False)
    token_env: str
    base_url: str = BASE_URL
    download_hosts: tuple[str, ...] = DOWNLOAD_HOSTS
    posts_per_hour: int = 10
    gets_per_minute: int = 10
    reach_days: int = REACH_DAYS

    @property
    def endpoint(self) -> Endpoint:
        """The part of the connection that account calls need too."""
        return Endpoint(token=self.token, token_env=self.token_env, base_url=self.base_url)
