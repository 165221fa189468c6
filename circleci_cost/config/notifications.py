"""The section `[notifications]`: the channels with their events, and the owners with their digests.

Secrets are not read here, only the names of the variables that hold them. `notify` sends the messages.
"""

import ipaddress
import re
from decimal import Decimal
from typing import Annotated, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, model_validator

from circleci_cost.config.addresses import PageAddress, parted, web_address
from circleci_cost.http.loopback import is_loopback, keeps_secrets
from circleci_cost.model.usage.condition_definition import EVERYTHING, Conditions
from circleci_cost.sections.section import (
    FilePath,
    Label,
    Name,
    Section,
    VariableName,
    mistake_at,
    refuse_repeated,
    unknown_name,
)

Event = Literal[
    "import_complete",
    "sync_failed",
    "sync_recovered",
    "budget",
    "price_gap",
    "token_expiry",
    "data_quality",
    "anomaly",
    "anomaly_recovered",
    "credits_low",
    "credits_expiring",
    "builds_may_stop",
    "digest",
]
EVENTS: tuple[Event, ...] = get_args(Event)
Cadence = Literal["daily", "weekly", "monthly"]
DigestPart = Literal["waste", "classes", "credits"]
DIGEST_PARTS: tuple[DigestPart, ...] = get_args(DigestPart)
Security = Literal["starttls", "ssl", "none"]

OWNED_SHARE = Decimal("0.5")
"""An incident or a job is an owner's where at least this share of its cost is in the owner's `where`."""

_ADDRESS = re.compile(r"(?P<user>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?P<domain>[^@\s]{1,255})")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_PORTS: dict[Security, int] = {"starttls": 587, "ssl": 465, "none": 25}


def _domain(value: str) -> str:
    try:
        name = value.lower().encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _DOMAIN.fullmatch(name):
        raise ValueError("the name of the host is none; write it like mail.example.com")
    return name


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if match is None:
        raise ValueError("this is no e-mail address; write one such as finops@example.com, without a display name")
    return f"{match['user']}@{_domain(match['domain'])}"


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return _domain(value)


def _public_name(value: str) -> str:
    name = _domain(value)
    last = name.rpartition(".")[2]
    if "." not in name or last.isdigit() or last == "localhost":
        raise ValueError(
            "write the whole name of this host in the DNS, like ci-cost.example.com; mail servers refuse others"
        )
    return name


def _webhook_url(value: str) -> str:
    parts = parted(value)
    if not keeps_secrets(parts.scheme, parts.hostname or ""):
        raise ValueError("write an https:// address (http:// only for this machine)")
    return web_address(value)


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("the list is empty; write at least one")
    return value


Address: TypeAlias = Annotated[str, AfterValidator(_address)]
Host: TypeAlias = Annotated[str, AfterValidator(_host)]
PublicName: TypeAlias = Annotated[str, AfterValidator(_public_name)]


class _Channel(Section):
    """The keys of all channels: a name, and the events that it gets, all by default."""

    name: Name
    events: tuple[Event, ...] = EVENTS


class EmailChannel(_Channel):
    """`type = "email"`: an SMTP server. By default nothing is sent unencrypted, least of all the password."""

    type: Literal["email"]
    to: Annotated[tuple[Address, ...], AfterValidator(_not_empty)]
    from_: Address = Field(alias="from")
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    helo_name: PublicName | None = None
    security: Security = "starttls"
    username: Label | None = None
    password_env: VariableName | None = None
    allow_plaintext: bool = False
    ca_file: FilePath | None = None

    @property
    def effective_port(self) -> int:
        """The port, or the usual one: 587 with STARTTLS, 465 with SSL, 25 with neither."""
        return self.port or _PORTS[self.security]

    @property
    def greets_as(self) -> str:
        """The name in the greeting (EHLO): `helo_name`, or the domain of the sender."""
        return self.helo_name or self.from_.rpartition("@")[2]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username and password_env belong together; write both or neither")
        if self.security == "none" and not is_loopback(self.host) and not self.allow_plaintext:
            raise ValueError(
                f'security = "none" would send mail to {self.host} in the open; use "starttls" or "ssl", or add '
                "allow_plaintext = true"
            )
        if len(set(self.to)) < len(self.to):
            raise ValueError("to names an address twice")
        return self


class SlackChannel(_Channel):
    """`type = "slack"`: an incoming webhook of Slack, whose address is a secret."""

    type: Literal["slack"]
    url_env: VariableName


class TeamsChannel(_Channel):
    """`type = "teams"`: the webhook of a Teams workflow, whose address is a secret."""

    type: Literal["teams"]
    url_env: VariableName


class WebhookChannel(_Channel):
    """`type = "webhook"`: any HTTP server that takes JSON; with a secret, requests are signed."""

    type: Literal["webhook"]
    url: Annotated[str, AfterValidator(_webhook_url)] | None = Field(default=None, repr=False)
    url_env: VariableName | None = None
    secret_env: VariableName | None = None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("write either url, or url_env (the variable that holds it, where it is a secret)")
        return self


class AppriseChannel(_Channel):
    """`type = "apprise"`: any service that Apprise knows; needs the extra `apprise`."""

    type: Literal["apprise"]
    url_env: VariableName


# The services that are sent one request to an address which is a secret.
ChatSection: TypeAlias = SlackChannel | TeamsChannel
ChannelSection: TypeAlias = EmailChannel | ChatSection | WebhookChannel | AppriseChannel
_TYPES: tuple[str, ...] = tuple(
    name for channel in get_args(ChannelSection) for name in get_args(channel.model_fields["type"].annotation)
)


def _of_known_type(value: object) -> object:
    given = value.get("type") if isinstance(value, dict) else None
    if isinstance(value, dict) and given not in _TYPES:
        what = "the type is missing" if given is None else unknown_name(str(given), _TYPES, "no type of channel")
        what = what.partition(";")[0]
        raise ValueError(f"{what}; write {', '.join(_TYPES[:-1])} or {_TYPES[-1]}")
    return value


class NotificationOwner(Section):
    """`[[notifications.owners]]`: an owner with channels for its budgets, and for a digest of the costs in `where`.

    `digest_parts` are what the digest says beside costs and budgets, where there is something to say.
    """

    name: Label
    channels: Annotated[tuple[str, ...], AfterValidator(_not_empty)]
    digest: Cadence | None = None
    digest_parts: tuple[DigestPart, ...] = DIGEST_PARTS
    where: Conditions = EVERYTHING

    @model_validator(mode="after")
    def _parts_of_a_digest(self) -> Self:
        if self.digest is None and "digest_parts" in self.model_fields_set:
            raise ValueError('digest_parts says what a digest holds, and there is none; add digest = "weekly"')
        return self


class Notifications(Section):
    """`[notifications]`: channels, owners, and the address of your Dagster to link to."""

    link: PageAddress | None = None
    channels: tuple[
        Annotated[ChannelSection, Discriminator("type"), BeforeValidator(_of_known_type)],
        ...,
    ] = ()
    owners: tuple[NotificationOwner, ...] = ()

    def owner(self, name: str) -> NotificationOwner | None:
        """The owner of that name, None where it has no section."""
        return next((owner for owner in self.owners if owner.name == name), None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [channel.name for channel in self.channels]
        refuse_repeated(("notifications", "channels"), "channel", names)
        refuse_repeated(("notifications", "owners"), "owner", [owner.name for owner in self.owners])
        for index, owner in enumerate(self.owners):
            location = ("notifications", "owners", index, "channels")
            for name in owner.channels:
                if name not in names:
                    sentence = unknown_name(name, names, "no channel")
                    raise mistake_at(
                        location, sentence if names else f"{sentence}; add a [[notifications.channels]] section"
                    )
            if len(set(owner.channels)) < len(owner.channels):
                raise mistake_at(location, f"{owner.name!r} names a channel twice")
        return self
