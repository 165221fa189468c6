"""`circleci_cost.toml` and the environment, as one frozen `Settings`; where `demo` was run, the built-in demo's.

Here is what may be written and where the file is searched; `sections.toml_file` reads the text, `sections.mistakes`
words the errors. Tokens are not read here, only the names of the variables that hold them.
"""

import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator

from circleci_cost.clock import Clock, SystemClock, utc_today
from circleci_cost.config import demo
from circleci_cost.config.api import Api
from circleci_cost.config.dagster_executor import DagsterExecutor
from circleci_cost.config.data_directory import DataDirectory, resolved
from circleci_cost.config.explorer import Explorer
from circleci_cost.config.notifications import Notifications
from circleci_cost.config.publish import Publish
from circleci_cost.config.references import check_references
from circleci_cost.days import EARLIEST_USAGE
from circleci_cost.engines.definition import Engine
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.budgets.definition import Budget, BudgetsFile
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.efficiency.actors import Actors
from circleci_cost.model.efficiency.rate_definition import ResourceClassRate, refuse_overlaps
from circleci_cost.model.infrastructure.definition import Infrastructure, check_sources
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.sections.mistakes import sentences
from circleci_cost.sections.section import Section, mistake_at
from circleci_cost.sections.toml_file import is_there, read_configuration, too_deep
from circleci_cost.text.commands import for_demo
from circleci_cost.text.suggestions import suggestion_or_all

CONFIG_ENV = "CIRCLECI_COST_CONFIG"
CONFIG_FILE = "circleci_cost.toml"
# The owners of assets that Dagster accepts.
_OWNER = re.compile(r"team:[A-Za-z0-9_.-]{1,60}|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")


def _daily_at(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('write a UTC time as "HH:MM", such as "10:30"')
    return value


def _owner(value: str) -> str:
    if not _OWNER.fullmatch(value):
        raise ValueError('write a team such as "team:finops", or an e-mail address')
    return value


def first_day(value: date, today: date) -> date:
    """The day as a start of the history. Raises `ValueError` for one that cannot have usage."""
    if value > today:
        raise ValueError("this lies in the future; write the first day to import")
    if value < EARLIEST_USAGE:
        raise ValueError(f"no usage is older than {EARLIEST_USAGE}; write the first day to import")
    return value


def _history_start(value: date, info: ValidationInfo) -> date:
    """Check the day against the `today` of the validation context (see `_on`), or else of the machine."""
    return first_day(value, info.context["today"] if info.context else utc_today(SystemClock()))


def _on(clock: Clock) -> dict[str, date]:
    """The validation context of `Settings`: the day of the clock."""
    return {"today": utc_today(clock)}


class Settings(Section):
    """The content of `circleci_cost.toml`. `source_file` is None for the built-in demo."""

    data_dir: DataDirectory = Path("data")
    history_start: Annotated[date, AfterValidator(_history_start)]
    restatement_days: Annotated[int, Field(ge=1, le=31)] = 4
    daily_at: Annotated[str, AfterValidator(_daily_at)] = "10:30"
    asset_owners: tuple[Annotated[str, AfterValidator(_owner)], ...] = ("team:finops",)
    cost_centers: tuple[CostCenter, ...] = ()
    api: Api = Api()
    dagster: DagsterExecutor = DagsterExecutor()
    calendar: Calendar = Calendar()
    virtual_tags: tuple[VirtualTag, ...] = ()
    budgets: tuple[Budget, ...] = ()
    budget_files: tuple[BudgetsFile, ...] = ()
    anomalies: Anomalies = Anomalies()
    actors: Actors = Actors()
    infrastructure: tuple[Infrastructure, ...] = ()
    resource_class_rates: tuple[ResourceClassRate, ...] = ()
    notifications: Notifications = Notifications()
    publish: Publish = Publish()
    explorer: Explorer = Explorer()
    engine: Engine = Engine()
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
        """Return a cost center by name. Raises a `ConfigurationError` that names the known ones."""
        for center in self.cost_centers:
            if center.name == name:
                return center
        names = [center.name for center in self.cost_centers]
        hint = suggestion_or_all(name, names)
        raise ConfigurationError(f"There is no cost center {name!r} in {self.described_source}; {hint}")

    def resolve(self, file: Path) -> Path:
        """The path of a file that the configuration names; relative paths start at the configuration file's folder."""
        folder = self.source_file.parent if self.source_file else self.data_dir
        return folder / file

    @property
    def described_source(self) -> str:
        """The source of these settings, for messages."""
        return str(self.source_file) if self.source_file else "the built-in demo"

    def refused_organizations(self, name: str) -> frozenset[str] | None:
        """The organizations that an export of this cost center may not hold; None: all that it does not name."""
        if self.cost_center(name).unknown_organizations == "refuse":
            return None
        return frozenset(
            organization for center in self.cost_centers if center.name != name for organization in center.organizations
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [center.name for center in self.cost_centers]
        if not names:
            raise ValueError("there is no cost center; add a [[cost_centers]] section")
        for index, name in enumerate(names):
            if name in names[:index]:
                raise mistake_at(
                    ("cost_centers", index, "name"),
                    f"the cost center {name} is defined twice; give each its own name",
                )
        owners: dict[str, str] = {}
        for index, center in enumerate(self.cost_centers):
            for position, organization in enumerate(center.organizations):
                if organization in owners:
                    key = ("shared_organization_ids", position - 1) if position else ("organization_id",)
                    raise mistake_at(
                        ("cost_centers", index, *key),
                        f"organization {organization} belongs to {owners[organization]} and to {center.name}: its "
                        "cost would count twice; leave it in one of them",
                    )
                owners[organization] = center.name
        check_sources(self.infrastructure)
        refuse_overlaps(self.resource_class_rates)
        check_references(
            self.virtual_tags, self.budgets, self.notifications.owners, all_budgets_here=not self.budget_files
        )
        return self


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] = os.environ, clock: Clock | None = None
) -> Settings:
    """Read the settings: `path`, else the file that CIRCLECI_COST_CONFIG names, else ./circleci_cost.toml.

    Without any of them, the built-in demo's, but only where `circleci-cost demo` has left its data: nothing is
    simulated unasked. A relative `data_dir` is relative to the file. Raises `ConfigurationError`.
    """
    clock = clock or SystemClock()
    named = path or (Path(environment[CONFIG_ENV]) if environment.get(CONFIG_ENV) else None)
    if named is None:
        named = Path(CONFIG_FILE)
        if not named.exists():
            if demo.was_run(Path(demo.DATA_DIRECTORY)):
                return demo_settings(clock=clock)
            raise no_configuration()
    elif not is_there(named):
        origin = "" if path else f" (from {CONFIG_ENV})"
        raise ConfigurationError(
            f"The configuration file {named}{origin} is not there; run `circleci-cost init` to write one, or correct "
            "the path."
        )
    return read_settings(named, clock)


def no_configuration(command: str | None = None) -> ConfigurationError:
    """The error where no configuration exists; a `command` that refuses the demo unasked says how it may be asked."""
    sentence = f"There is no configuration: no {CONFIG_FILE} in {Path.cwd()}, and neither --config nor {CONFIG_ENV}"
    if command and demo.was_run(Path(demo.DATA_DIRECTORY)):
        called = for_demo(f"`{command}`")
        return ConfigurationError(
            f"{sentence} names one. Run `circleci-cost init` to write one, or {called} for the demo that was run here."
        )
    return ConfigurationError(
        f"{sentence} names one. Run `circleci-cost init` to write one, or `circleci-cost demo` to try it with "
        "simulated data."
    )


def read_settings(path: Path, clock: Clock | None = None) -> Settings:
    """Read one file; by `clock`, its history may not start in the future. Raises `ConfigurationError`."""
    text, content = read_configuration(path)
    try:
        settings = Settings.model_validate(
            {**content, "source_file": path.resolve()}, context=_on(clock or SystemClock())
        )
    except ValidationError as error:
        raise ConfigurationError(sentences(path, text, content, error, Settings)) from None
    except RecursionError:
        raise too_deep(path) from None
    return settings.model_copy(update={"data_dir": resolved(settings.data_dir, path.resolve().parent)})


def demo_settings(data_dir: Path | None = None, clock: Clock | None = None) -> Settings:
    """The built-in demo's settings: two cost centers of the simulator, priced, 13 months of history."""
    directory = (data_dir or Path(demo.DATA_DIRECTORY)).resolve()
    context = _on(clock or SystemClock())
    content = demo.configuration(directory, context["today"])
    return Settings.model_validate({**content, "data_dir": directory}, context=context)
