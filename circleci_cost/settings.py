"""`circleci_cost.toml` and the environment, as one frozen `Settings`; without a file, the built-in demo.

Only reading and validating: every mistake is one sentence with file, line, key, value and what to do.
Tokens are not read here, only the names of the variables that hold them.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from circleci_cost.config_locations import line_of
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.pricing import PricePeriod
from circleci_cost.regular_files import require_regular_file
from circleci_cost.sections.anomalies import Anomalies, IgnoredPeriod
from circleci_cost.sections.api import Api
from circleci_cost.sections.budgets import Budget, BudgetAmount, BudgetsFile
from circleci_cost.sections.calendar import Calendar
from circleci_cost.sections.cost_centers import CostCenter, Pricing
from circleci_cost.sections.infrastructure import Infrastructure, check_sources
from circleci_cost.sections.notifications import ChannelSection, NotificationOwner, Notifications
from circleci_cost.sections.references import check_references
from circleci_cost.sections.section import Section
from circleci_cost.sections.virtual_tags import CodeOwners, Rule, Split, VirtualTag
from circleci_cost.sections.virtual_tags import Mapping as TagMapping

CONFIG_ENV = "CIRCLECI_COST_CONFIG"
CONFIG_FILE = "circleci_cost.toml"
_HIDDEN = "(an address)"
# Where pydantic's words would not say what to write.
_HOW = {
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "write a day such as 2026-01-31"),
    **dict.fromkeys(("decimal_parsing", "decimal_type"), "write a number such as 1200.50, without quotes"),
    "bool_parsing": "write true or false",
    "string_type": "write text in quotes",
}


def _daily_at(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('write a UTC time as "HH:MM", such as "10:30"')
    return value


class Settings(Section):
    """Everything that `circleci_cost.toml` says. `source_file` is None for the built-in demo."""

    data_dir: Path = Path("data")
    history_start: date
    restatement_days: Annotated[int, Field(ge=1, le=31)] = 4
    daily_at: Annotated[str, AfterValidator(_daily_at)] = "10:30"
    cost_centers: tuple[CostCenter, ...] = ()
    api: Api = Api()
    calendar: Calendar = Calendar()
    virtual_tags: tuple[VirtualTag, ...] = ()
    budgets: tuple[Budget, ...] = ()
    budget_files: tuple[BudgetsFile, ...] = ()
    anomalies: Anomalies = Anomalies()
    infrastructure: tuple[Infrastructure, ...] = ()
    notifications: Notifications = Notifications()
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

    def resolve(self, file: Path) -> Path:
        """The path of a file that the configuration names: relative ones are relative to the configuration file."""
        folder = self.source_file.parent if self.source_file else self.data_dir
        return folder / file.expanduser()

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
        check_sources(self.infrastructure)
        check_references(
            self.virtual_tags, self.budgets, self.notifications.owners, all_budgets_here=not self.budget_files
        )
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
    elif not named.exists():
        origin = "" if path else f" (from {CONFIG_ENV})"
        raise ConfigurationError(
            f"The configuration file {named}{origin} is not there; run `circleci-cost init` to write one, or correct "
            "the path."
        )
    return read_settings(named)


def read_settings(path: Path) -> Settings:
    """Read one file. Raises `ConfigurationError`."""
    require_regular_file(path, ConfigurationError)
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
        sentences = "\n".join(_sentence(path, text, content, each) for each in error.errors())
        raise ConfigurationError(_without_addresses(sentences, content.get("notifications"))) from None
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
    kind = error["type"]
    location = list(error.get("ctx", {}).get("location", ())) or _written(content, error["loc"], kind)
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
    line = line_of(text, location)
    where = f"{path}, line {line}" if line else f"{path}"
    if kind == "extra_forbidden":
        return f"{where}: unknown key {key!r}{_suggestion(location, error['loc'])}"
    if kind == "missing":
        return f"{where}: {key} is missing; add it."
    message = _HOW.get(kind) or str(error["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    message = message if message.endswith("?") else f"{message}."
    shown = _shown_value(content, location)
    return f"{where}: {key}{shown}: {message}" if key else f"{where}: {message}"


def _written(content: Any, steps: Sequence[str | int], kind: str) -> list[str | int]:
    """The location without pydantic's own steps, such as the type of a channel or of a validator."""
    location: list[str | int] = []
    for at, step in enumerate(steps):
        is_missing_key = kind == "missing" and at == len(steps) - 1
        if isinstance(content, Mapping) and step not in content and not is_missing_key:
            continue
        location.append(step)
        content = content[step] if _has(content, step) else None
    return [step for step in location if step != "function-after"]


def _has(content: Any, step: str | int) -> bool:
    return step in content if isinstance(content, Mapping) else isinstance(content, list) and isinstance(step, int)


def _shown_value(content: Any, location: list[str | int]) -> str:
    """Show the wrong value, unless it may hold a secret: one in place of a variable's name, a URL with a password."""
    if not location or str(location[-1]) == "url" or str(location[-1]).endswith("_env"):
        return ""
    for step in location:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return "" if isinstance(content, dict | list) or "@" in str(content) else f" = {str(content)[:80]}"


def _without_addresses(sentences: str, content: Any) -> str:
    """Hide the addresses of a section: that of a chat's webhook is a secret, in whatever key it was pasted."""
    if isinstance(content, str):
        # Values are shown with at most 80 characters.
        return sentences.replace(content, _HIDDEN).replace(content[:80], _HIDDEN) if "://" in content else sentences
    for each in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        sentences = _without_addresses(sentences, each)
    return sentences


_SECTIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "cost_centers": (CostCenter,),
    "pricing": (Pricing,),
    "api": (Api,),
    "calendar": (Calendar,),
    "virtual_tags": (VirtualTag,),
    "rules": (Rule,),
    "mappings": (TagMapping,),
    "codeowners": (CodeOwners,),
    "splits": (Split,),
    "budgets": (Budget,),
    "amounts": (BudgetAmount,),
    "budget_files": (BudgetsFile,),
    "anomalies": (Anomalies,),
    "ignored_periods": (IgnoredPeriod,),
    "infrastructure": (Infrastructure,),
    "notifications": (Notifications,),
    "owners": (NotificationOwner,),
    "channels": get_args(ChannelSection),
}


def _types_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The `type` that a section must have to be of this model."""
    return get_args(model.model_fields["type"].annotation)


def _suggestion(location: list[str | int], steps: Sequence[str | int]) -> str:
    names = [step for step in location[:-1] if isinstance(step, str)]
    models = _SECTIONS.get(names[-1], (Settings,)) if names else (Settings,)
    # Of channels, pydantic says the type, and each type has its own keys.
    model = next((each for each in models if len(models) > 1 and set(_types_of(each)) & set(steps)), models[0])
    known = [field.alias or name for name, field in model.model_fields.items() if name != "source_file"]
    near = difflib.get_close_matches(str(location[-1]), known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known keys here: {', '.join(known)}."
