"""Virtual tags once their files are read: stages of rules and lookups, splits with their amounts.

Reading the files is the job of `planning` and its siblings, evaluating the plan the warehouse's.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

import polars as pl

from circleci_cost.model.allocation.definition import Split
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.named_files.file_problem import FileProblem

# Amounts of telemetry: 15 digits before the point, 9 after it.
AMOUNT = pl.Decimal(24, 9)
AMOUNTS_SCHEMA: dict[str, pl.DataType] = {"date": pl.Date(), "key": pl.String(), "amount": AMOUNT}


@dataclass(frozen=True)
class TagRule:
    """A value, or the dimension or tag to take it from, for the costs that fit the conditions on these days.

    `owned_project` is the project, by name or id, whose CODEOWNERS file the rule comes from. A rule that `is_withheld`
    stands in for the rules of a file that cannot be used; with `of_tag` it holds where that tag's value comes from
    one of the rules `of_rules`.
    """

    label: str
    where: Conditions
    value: str | None = None
    value_of: str | None = None
    first: date | None = None
    last: date | None = None
    owned_project: str | None = None
    is_withheld: bool = False
    of_tag: str | None = None
    of_rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """Rules in order; the first that fits wins."""

    rules: tuple[TagRule, ...]

    @property
    def asked_for(self) -> set[str]:
        """The dimensions and tags that the rules need."""
        sources = {rule.value_of for rule in self.rules if rule.value_of}
        return sources.union(*(rule.where.dimensions for rule in self.rules))

    @property
    def boundaries(self) -> set[tuple[date | None, date | None]]:
        """The first and last days of the rules."""
        return {(rule.first, rule.last) for rule in self.rules}


@dataclass(frozen=True)
class Lookup:
    """Rows of a mapping file: `rule`, `value`, `line`, `first`, `last` and dimensions, NULL where any value fits.

    The first row that fits wins.
    """

    rows: pl.DataFrame
    dimensions: tuple[str, ...]

    @property
    def asked_for(self) -> set[str]:
        """The dimensions and tags that the rows need."""
        return set(self.dimensions)

    @property
    def boundaries(self) -> set[tuple[date | None, date | None]]:
        """The first and last days of the rows."""
        return set(self.rows.select("first", "last").unique().iter_rows())


Stage: TypeAlias = Rules | Lookup


@dataclass(frozen=True)
class PlannedSplit:
    """A split and, where it has a telemetry file, the amounts of `AMOUNTS_SCHEMA`."""

    split: Split
    amounts: pl.DataFrame | None = None

    @property
    def targets(self) -> dict[str, Decimal]:
        """The values that the configuration names, with their fixed shares (1 where there are none)."""
        return dict(self.split.shares) or dict.fromkeys(self.split.among, Decimal(1))


@dataclass(frozen=True)
class PlannedTag:
    """One virtual tag: its stages in order, the default for costs that none of them fits, its splits."""

    name: str
    default: str
    min_coverage: Decimal | None
    stages: tuple[Stage, ...]
    splits: tuple[PlannedSplit, ...]

    @property
    def asked_for(self) -> set[str]:
        """The dimensions and tags that the tag needs."""
        names: set[str] = set()
        return names.union(*(stage.asked_for for stage in self.stages))

    @property
    def rules(self) -> tuple[TagRule, ...]:
        """All rules with conditions, those of files included."""
        return tuple(rule for stage in self.stages if isinstance(stage, Rules) for rule in stage.rules)


@dataclass(frozen=True)
class Plan:
    """The tags in the order of evaluation, each after those that it uses.

    `content_hash` changes with the rules and with every byte of their files. `warnings` are sentences about gaps and
    unread lines of the files, `readings` about how CODEOWNERS files were read; `problems` are the files left out.
    """

    tags: tuple[PlannedTag, ...]
    content_hash: str
    warnings: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    problems: tuple[FileProblem, ...] = ()

    @property
    def boundaries(self) -> list[date]:
        """The days on which the rules or splits that apply change, in order."""
        spans: set[tuple[date | None, date | None]] = set()
        for tag in self.tags:
            spans = spans.union(*(stage.boundaries for stage in tag.stages))
            spans |= {(planned.split.from_, planned.split.until) for planned in tag.splits}
        # The day after `until` is a boundary; date.max has none.
        after = {date.fromordinal(last.toordinal() + 1) for _, last in spans if last and last < date.max}
        return sorted({first for first, _ in spans if first} | after)
