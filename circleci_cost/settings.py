"""`circleci_cost.toml` and the environment, as one frozen `Settings`; without a file, the built-in demo.

Only reading and validating: every mistake is one sentence with file, line, key, value and what to do.
Tokens are not read here, only the names of the variables that hold them.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from circleci_cost.circleci.connection import BASE_URL, DOWNLOAD_HOSTS
from circleci_cost.config_locations import line_of
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.pricing import PricePeriod, overlaps, say_ranges

CONFIG_ENV = "CIRCLECI_COST_CONFIG"
CONFIG_FILE = "circleci_cost.toml"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SLUG = re.compile(r"(gh|github|bb|bitbucket|circleci)/[^/\s]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAUSIBLE_PRICES = (Decimal("0.00001"), Decimal("0.01"))
_PRICE_DECIMALS = 10


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("use lower-case letters, digits, - and _ (it is a partition key and a folder name)")
    return value


def _uuid(value: str) -> str:
    lower = value.strip().lower()
    if _SLUG.match(lower):
        raise ValueError(
            "this is a slug, and the API wants the organization's UUID: copy it from CircleCI, "
            "Organization Settings → Overview, or let `circleci-cost init` find it"
        )
    if not _UUID.fullmatch(lower):
        raise ValueError("this is no UUID; copy it from CircleCI, Organization Settings → Overview")
    return lower


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError("write it as gh/<name>, bb/<name> or circleci/<id>")
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        # The value may be a token pasted by mistake: it must not be repeated in the message.
        raise ValueError("write the name of an environment variable, such as CIRCLECI_TOKEN, never the token itself")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "https" and parts.hostname and not parts.username:
        return value.rstrip("/")
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return value.rstrip("/")
    raise ValueError("write an https:// address ending in /api/v2 (http:// only for a simulator on this machine)")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _daily_at(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('write a UTC time as "HH:MM", such as "10:30"')
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Pricing(_Section):
    """`[[cost_centers.pricing]]`: a contracted price; without `effective_until` it is the ongoing one."""

    price_per_credit: Annotated[Decimal, Field(gt=0)]
    effective_from: date
    effective_until: date | None = None
    confirm: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.effective_until and self.effective_until < self.effective_from:
            raise ValueError(f"effective_until {self.effective_until} lies before effective_from {self.effective_from}")
        if -int(self.price_per_credit.normalize().as_tuple().exponent) > _PRICE_DECIMALS:
            raise ValueError(f"price_per_credit has more than {_PRICE_DECIMALS} decimals and would have to be rounded")
        low, high = _PLAUSIBLE_PRICES
        if not self.confirm and not low <= self.price_per_credit <= high:
            raise ValueError(
                f"price_per_credit {self.price_per_credit} is outside {low} to {high} USD per credit (list price: "
                "0.0006); correct it, or add confirm = true if it is right"
            )
        return self


class CostCenter(_Section):
    """`[[cost_centers]]`: one token, one paying organization, those on its plan, one price timeline."""

    name: Annotated[str, AfterValidator(_name)]
    organization_id: Annotated[str, AfterValidator(_uuid)]
    slug: Annotated[str, AfterValidator(_slug)] | None = None
    api_token_env: Annotated[str, AfterValidator(_variable)] = "CIRCLECI_TOKEN"  # noqa: S105 - a name, no secret
    shared_organization_ids: tuple[Annotated[str, AfterValidator(_uuid)], ...] = ()
    pricing: tuple[Pricing, ...] = ()

    @property
    def organizations(self) -> tuple[str, ...]:
        """The ids of all organizations whose rows belong to this cost center."""
        return (self.organization_id, *self.shared_organization_ids)

    @property
    def price_periods(self) -> list[PricePeriod]:
        """The price timeline as rows."""
        return [
            PricePeriod(self.name, period.effective_from, period.effective_until, period.price_per_credit)
            for period in self.pricing
        ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for earlier, later, days in overlaps(self.price_periods):
            raise ValueError(
                f"the prices {earlier.price_per_credit} ({earlier.days()}) and {later.price_per_credit} "
                f"({later.days()}) overlap on {say_ranges([days])}; end the earlier one the day before the "
                "later one begins"
            )
        repeated = {each for each in self.organizations if self.organizations.count(each) > 1}
        if repeated:
            raise ValueError(f"organization {', '.join(sorted(repeated))} is named twice")
        return self


class Api(_Section):
    """`[api]`: where CircleCI's API is and what it allows; the defaults are CircleCI's own."""

    base_url: Annotated[str, AfterValidator(_base_url)] = BASE_URL
    download_hosts: tuple[str, ...] = DOWNLOAD_HOSTS
    posts_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 10
    gets_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10


class Settings(_Section):
    """Everything that `circleci_cost.toml` says. `source_file` is None for the built-in demo."""

    data_dir: Path = Path("data")
    history_start: date
    restatement_days: Annotated[int, Field(ge=1, le=31)] = 4
    daily_at: Annotated[str, AfterValidator(_daily_at)] = "10:30"
    cost_centers: tuple[CostCenter, ...] = ()
    api: Api = Api()
    source_file: Path | None = Field(default=None, exclude=True)

    @property
    def is_demo(self) -> bool:
        """Whether these are the built-in demo's settings: usage comes from the simulator."""
        return self.source_file is None

    @property
    def price_periods(self) -> list[PricePeriod]:
        """The price timelines of all cost centers."""
        return [period for center in self.cost_centers for period in center.price_periods]

    def cost_center(self, name: str) -> CostCenter:
        """Return a cost center by name. Raises `ConfigurationError` that names those there are."""
        for center in self.cost_centers:
            if center.name == name:
                return center
        names = [center.name for center in self.cost_centers]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}."
        raise ConfigurationError(f"There is no cost center {name!r} in {self.described_source}; {hint}")

    @property
    def described_source(self) -> str:
        """Where these settings come from, for messages."""
        return str(self.source_file) if self.source_file else "the built-in demo"

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [center.name for center in self.cost_centers]
        if not names:
            raise ValueError("there is no cost center; add a [[cost_centers]] section")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"the cost center {', '.join(sorted(twice))} is defined twice; give each its own name")
        owners: dict[str, str] = {}
        for center in self.cost_centers:
            for organization in center.organizations:
                if organization in owners:
                    raise ValueError(
                        f"organization {organization} belongs to {owners[organization]} and to {center.name}: its "
                        "cost would count twice; leave it in one of them"
                    )
                owners[organization] = center.name
        return self


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings: `path`, else the file that CIRCLECI_COST_CONFIG names, else ./circleci_cost.toml.

    Where none of them is given or there, returns the built-in demo's. A relative `data_dir` is
    relative to the file. Raises `ConfigurationError`.
    """
    named = path or (Path(environment[CONFIG_ENV]) if environment.get(CONFIG_ENV) else None)
    if named is None:
        named = Path(CONFIG_FILE)
        if not named.exists():
            return demo_settings()
    elif not named.is_file():
        origin = "" if path else f" (from {CONFIG_ENV})"
        raise ConfigurationError(
            f"The configuration file {named}{origin} is not there; run `circleci-cost init` to write one, or correct "
            "the path."
        )
    return read_settings(named)


def read_settings(path: Path) -> Settings:
    """Read one file. Raises `ConfigurationError`."""
    try:
        text = path.read_bytes().decode("utf-8")
        content = tomllib.loads(text, parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}; correct that line.") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); give this user read access.") from error
    try:
        settings = Settings.model_validate({**content, "source_file": path.resolve()})
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentence(path, text, content, each) for each in error.errors())) from None
    if settings.history_start > datetime.now(UTC).date():
        raise ConfigurationError(
            f"{path}: history_start = {settings.history_start} lies in the future; write the first day to import."
        )
    return settings.model_copy(update={"data_dir": path.resolve().parent / settings.data_dir.expanduser()})


def demo_settings(data_dir: Path | None = None) -> Settings:
    """The built-in demo's settings: two cost centers of the simulator, priced, 13 months of history."""
    from circleci_cost import demo

    directory = (data_dir or Path(demo.DATA_DIRECTORY)).resolve()
    content = demo.configuration(directory, datetime.now(UTC).date())
    return Settings.model_validate({**content, "data_dir": directory})


def _sentence(path: Path, text: str, content: Mapping[str, Any], error: Any) -> str:
    location = [step for step in error["loc"] if step != "function-after"]
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
    line = line_of(text, location)
    where = f"{path}, line {line}" if line else f"{path}"
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key {key!r}{_suggestion(location)}"
    if kind == "missing":
        return f"{where}: {key} is missing; add it."
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    shown = _shown_value(content, location)
    return f"{where}: {key}{shown}: {message}." if key else f"{where}: {message}."


def _shown_value(content: Any, location: list[str | int]) -> str:
    """Show the wrong value, unless it may hold a secret: a token in place of a name, a URL with a password."""
    if not location or "token" in str(location[-1]):
        return ""
    for step in location:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return "" if isinstance(content, dict | list) or "@" in str(content) else f" = {str(content)[:80]}"


_SECTIONS: dict[str, type[BaseModel]] = {"cost_centers": CostCenter, "pricing": Pricing, "api": Api}


def _suggestion(location: list[str | int]) -> str:
    names = [step for step in location[:-1] if isinstance(step, str)]
    model = _SECTIONS[names[-1]] if names and names[-1] in _SECTIONS else Settings
    known = [name for name in model.model_fields if name != "source_file"]
    near = difflib.get_close_matches(str(location[-1]), known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known keys here: {', '.join(known)}."
