"""`[[virtual_tags]]`: which cost belongs to which value of a tag, and how shared cost is split.

`planning` reads the files that are named here; applying the rules to costs is the warehouse's job.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.condition_definition import EVERYTHING, Conditions
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS
from circleci_cost.sections.dated import Dated
from circleci_cost.sections.section import FilePath, Label, Name, Section, mistake_within

UNALLOCATED = "unallocated"
# Columns of allocated costs, of mapping files once read, and of budget files: a tag must not hide them.
_RESERVED = {
    *("date", "tag", "value", "rule", "split", "share", "jobs", "runs", "credits", "cost", "cost_usd", "period"),
    *("from", "until", "first", "last", "line", "pattern", "key", "decision", "segment", "combination"),
    *("name", "amount", "owner", "parent", "unit", "seats"),
}

Method = Literal["even", "fixed", "proportional", "telemetry"]
Dialect = Literal["github", "gitlab"]
BuiltInTelemetry = Literal["runs", "minutes", "users"]
Fallback = Literal["proportional", "even", "previous", "keep"]
if TYPE_CHECKING:
    ChargeType: TypeAlias = str
else:
    ChargeType = Literal[CHARGE_TYPES]


class Rule(Dated):
    """`[[virtual_tags.rules]]`: a value for the costs that fit; the first rule that fits wins.

    `value_of` takes the value from a dimension, or from another tag, instead of a fixed one.
    """

    name: Label | None = None
    value: Label | None = None
    value_of: str | None = None
    where: Conditions = Field(default=EVERYTHING)

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if (self.value is None) == (self.value_of is None):
            raise ValueError("write either value (the tag's value) or value_of (the dimension to take it from)")
        return self


class Mapping(Section):
    """`[[virtual_tags.mappings]]`: values from a CSV or TOML file, after all rules.

    CSV: columns of dimensions (an empty cell fits everything), `value`, and optionally `from` and `until`. TOML:
    `[[rules]]` as in this file.
    """

    file: FilePath


class CodeOwners(Dated):
    """`[[virtual_tags.codeowners]]`: the owner of a project by its CODEOWNERS file, after all mappings.

    `path` is a folder, the whole repository by default; whoever owns every file below it owns the project. `values`
    gives the tag's value for an owner; an owner not listed there is its own value. `dialect` is the platform whose
    rules the file follows; without it the content decides.
    """

    file: FilePath
    project: Label
    path: str = "/"
    dialect: Dialect | None = None
    values: dict[str, Label] = Field(default_factory=dict)


class Split(Dated):
    """`[[virtual_tags.splits]]`: the cost of one value, split among others, separately on each day.

    `even`, by `fixed` shares, `proportional` to the cost of the others, or by `telemetry`: runs, minutes, users, or
    a file of date, key and amount. `fallback` applies to days without such amounts.
    """

    value: Label
    name: Label | None = None
    method: Method
    by: BuiltInTelemetry | None = None
    file: FilePath | None = None
    shares: dict[Label, Annotated[Decimal, Field(gt=0, le=1, decimal_places=12)]] = Field(default_factory=dict)
    among: tuple[Label, ...] = ()
    charge_types: tuple[ChargeType, ...] = ()
    within: Literal["cost_center", "organization"] | None = None
    fallback: Fallback = "proportional"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        telemetry = [key for key in (self.by, self.file) if key is not None]
        if self.method == "telemetry" and len(telemetry) != 1:
            raise ValueError('telemetry needs by = "runs", "minutes" or "users", or a file, and not both')
        if self.method != "telemetry" and telemetry:
            raise ValueError(f'by and file belong to method = "telemetry", not to {self.method!r}')
        if self.method == "fixed":
            self._check_shares()
        elif self.shares:
            raise ValueError(f'shares belong to method = "fixed", not to {self.method!r}')
        targets = [*self.shares, *self.among]
        if self.value in targets:
            raise ValueError(f"{self.value!r} is split and among those that get a share; leave it out there")
        if len(set(self.among)) < len(self.among):
            raise ValueError("among names a value twice")
        return self

    def _check_shares(self) -> None:
        if not self.shares:
            raise ValueError("fixed needs shares, such as shares = { web = 0.6, mobile = 0.4 }")
        if self.among:
            raise ValueError("fixed takes its values from shares; leave among out")
        total = sum(self.shares.values(), start=Decimal(0))
        if total != 1:
            raise ValueError(f"the shares add up to {total}, not to 1")

    @property
    def label(self) -> str:
        """The name of the split, or one made from its value and method."""
        how = self.by or (self.file.name if self.file else self.method)
        return self.name or f"{self.value} by {how}"


def _tag_name(name: str) -> str:
    if "-" in name or name[0].isdigit():
        raise ValueError("a tag is named like a column: lower-case letters, digits and _, a letter first")
    if name in CONDITION_DIMENSIONS or name in _RESERVED:
        raise ValueError(f"{name!r} is a column already; choose another name")
    return name


class VirtualTag(Section):
    """`[[virtual_tags]]`: rules, then mappings, then CODEOWNERS; `default` for costs that none of them fits."""

    name: Annotated[Name, AfterValidator(_tag_name)]
    default: Label = UNALLOCATED
    min_coverage: Annotated[Decimal, Field(ge=0, le=1)] | None = None
    rules: tuple[Rule, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    codeowners: tuple[CodeOwners, ...] = ()
    splits: tuple[Split, ...] = ()

    @property
    def asked_for(self) -> Iterator[str]:
        """The dimensions and tags that the rules of the configuration file use."""
        for rule in self.rules:
            yield from rule.where.dimensions
            if rule.value_of:
                yield rule.value_of

    @model_validator(mode="after")
    def _splits_apart(self) -> Self:
        sources = {split.value for split in self.splits}
        for index, split in enumerate(self.splits):
            again = sources.intersection([*split.shares, *split.among])
            if again:
                raise mistake_within(
                    ("splits", index),
                    f"{min(again)!r} gets a share of {split.value!r} and is split itself; each cost is split once: "
                    "leave one of them out",
                )
        for first, second in _pairs(self.splits):
            if first.value == second.value and _overlap(first, second):
                raise mistake_within(
                    ("splits", next(index for index, split in enumerate(self.splits) if split is second)),
                    f"{first.value!r} is split twice on the same days and charge types; give each split its own from, "
                    "until or charge_types",
                )
        return self


def _pairs(splits: tuple[Split, ...]) -> Iterator[tuple[Split, Split]]:
    return ((first, second) for at, first in enumerate(splits) for second in splits[at + 1 :])


def _overlap(first: Split, second: Split) -> bool:
    apart = (first.until and second.from_ and first.until < second.from_) or (
        second.until and first.from_ and second.until < first.from_
    )
    charge_types = set(first.charge_types or CHARGE_TYPES) & set(second.charge_types or CHARGE_TYPES)
    return bool(charge_types) and not apart
