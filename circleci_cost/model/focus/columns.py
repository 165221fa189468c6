"""The columns of a FOCUS export, by version: type, feature level, whether the specification allows nulls.

What each column holds is said in `warehouse/focus/rows.sql`; a dimension gets its column by itself. Receivers that
take other columns are in `receivers`.
Source: FOCUS 1.2 (May 2025), 1.3 (December 2025) and 1.4 (June 2026), dataset Cost and Usage.
"""

from dataclasses import dataclass
from enum import StrEnum

from circleci_cost.model.usage.dimensions import COST_DIMENSIONS, HIERARCHY


class Version(StrEnum):
    """A version of the specification, in their order."""

    V1_2 = "1.2"
    V1_3 = "1.3"
    V1_4 = "1.4"


class Style(StrEnum):
    """How the virtual currency is shown: priced in dollars, or in credits. BillingCurrency is USD in both."""

    USD = "usd"
    CREDITS = "credits"


class Grain(StrEnum):
    """What one row is of: a daily cost and charge type, or a job run and charge type; after splits in both."""

    DAY = "day"
    JOB = "job"


class Kind(StrEnum):
    """The type of a column, as DuckDB names it in Parquet. JSON is text: Parquet knows no other form."""

    TEXT = "VARCHAR"
    JSON = "JSON"
    COST = "DECIMAL(38,16)"
    UNIT_PRICE = "DECIMAL(18,10)"
    QUANTITY = "DECIMAL(38,6)"
    TIME = "TIMESTAMP WITH TIME ZONE"
    INTEGER = "BIGINT"
    BOOLEAN = "BOOLEAN"


class Level(StrEnum):
    """The feature level of a column; `OWN` columns are CircleCI's, and none of the specification."""

    MANDATORY = "Mandatory"
    CONDITIONAL = "Conditional"
    RECOMMENDED = "Recommended"
    OWN = "Own"


@dataclass(frozen=True)
class FocusColumn:
    """One column. `nullable`: whether the specification allows nulls. In versions `since` … `until`, of `grains`."""

    name: str
    kind: Kind
    level: Level
    nullable: bool = True
    since: Version = Version.V1_2
    until: Version = Version.V1_4
    grains: tuple[Grain, ...] = tuple(Grain)


def _mandatory(
    name: str,
    kind: Kind = Kind.TEXT,
    *,
    nullable: bool = False,
    since: Version = Version.V1_2,
    until: Version = Version.V1_4,
) -> FocusColumn:
    return FocusColumn(name, kind, Level.MANDATORY, nullable, since, until)


def _conditional(
    name: str, kind: Kind = Kind.TEXT, *, nullable: bool = True, since: Version = Version.V1_2
) -> FocusColumn:
    return FocusColumn(name, kind, Level.CONDITIONAL, nullable, since)


def _recommended(name: str, *, nullable: bool = False) -> FocusColumn:
    return FocusColumn(name, Kind.TEXT, Level.RECOMMENDED, nullable)


def _own(name: str, kind: Kind = Kind.TEXT, *, nullable: bool = True, only: Grain | None = None) -> FocusColumn:
    return FocusColumn(f"x_{name}", kind, Level.OWN, nullable, grains=(only,) if only else tuple(Grain))


_SPECIFIED = (
    _mandatory("BilledCost", Kind.COST),
    _mandatory("BillingAccountId"),
    _mandatory("BillingAccountName", nullable=True),
    _conditional("BillingAccountType", nullable=False),
    _mandatory("BillingCurrency"),
    _mandatory("BillingPeriodEnd", Kind.TIME),
    _mandatory("BillingPeriodStart", Kind.TIME),
    _mandatory("ChargeCategory"),
    _mandatory("ChargeClass", nullable=True),
    _mandatory("ChargeDescription", nullable=True),
    _recommended("ChargeFrequency"),
    _mandatory("ChargePeriodEnd", Kind.TIME),
    _mandatory("ChargePeriodStart", Kind.TIME),
    # Credits are no commitment discount; importers and the public validator look for the column.
    _conditional("CommitmentDiscountStatus"),
    _conditional("ConsumedQuantity", Kind.QUANTITY),
    _conditional("ConsumedUnit"),
    _mandatory("ContractedCost", Kind.COST),
    _conditional("ContractedUnitPrice", Kind.UNIT_PRICE),
    _mandatory("EffectiveCost", Kind.COST),
    _mandatory("HostProviderName", since=Version.V1_3),
    _conditional("InvoiceDetailId", since=Version.V1_4),
    _recommended("InvoiceId", nullable=True),
    _mandatory("InvoiceIssuerName"),
    _mandatory("ListCost", Kind.COST),
    _conditional("ListUnitPrice", Kind.UNIT_PRICE),
    _conditional("PricingCategory"),
    _conditional("PricingCurrency", nullable=False),
    _conditional("PricingCurrencyContractedUnitPrice", Kind.UNIT_PRICE),
    _conditional("PricingCurrencyEffectiveCost", Kind.COST, nullable=False),
    _conditional("PricingCurrencyListUnitPrice", Kind.UNIT_PRICE),
    _mandatory("PricingQuantity", Kind.QUANTITY, nullable=True),
    _mandatory("PricingUnit", nullable=True),
    _mandatory("ProviderName", until=Version.V1_3),
    _mandatory("PublisherName", until=Version.V1_3),
    _conditional("ResourceId"),
    _conditional("ResourceName"),
    _conditional("ResourceType"),
    _mandatory("ServiceCategory"),
    _mandatory("ServiceName"),
    _mandatory("ServiceProviderName", since=Version.V1_3),
    _recommended("ServiceSubcategory"),
    _conditional("SkuId"),
    _conditional("SkuMeter"),
    _conditional("SkuPriceDetails", Kind.JSON),
    _conditional("SkuPriceId"),
    _conditional("SubAccountId"),
    _conditional("SubAccountName"),
    _conditional("SubAccountType"),
    _conditional("Tags", Kind.JSON),
)

_OWN = (
    _own("CostCenter", nullable=False),
    _own("CreditType"),
    _own("Credits", Kind.QUANTITY, nullable=False),
    _own("DataAsOf", Kind.TIME),
    _own("IsFinal", Kind.BOOLEAN),
    _own("IsUnregisteredUser", Kind.BOOLEAN),
    _own("JobId", only=Grain.JOB),
    _own("JobName"),
    _own("JobRunNumber", Kind.INTEGER, only=Grain.JOB),
    _own("JobRuns", Kind.INTEGER),
    _own("LotKind"),
    _own("OrganizationId"),
    _own("OrganizationName"),
    _own("Parallelism", Kind.INTEGER),
    _own("PipelineId", only=Grain.JOB),
    _own("PipelineNumber", Kind.INTEGER, only=Grain.JOB),
    _own("PricePeriod"),
    _own("RuleId", Kind.JSON),
    _own("RunSeconds", Kind.INTEGER),
    _own("SplitId"),
    _own("StartedAt", Kind.TIME, only=Grain.JOB),
    _own("StoppedAt", Kind.TIME, only=Grain.JOB),
    _own("TriggerUserId", only=Grain.JOB),
    _own("WorkflowId", only=Grain.JOB),
    _own("WorkflowName"),
)

DIMENSION_COLUMNS: dict[str, str] = {
    f"x_{dimension.name.title().replace('_', '')}": dimension.name
    for dimension in COST_DIMENSIONS
    if dimension.name not in HIERARCHY
}
"""The dimension that a column of its own holds: text, unless listed above. Where a charge belongs is in others."""

_LISTED = {column.name for column in _OWN}
_OF_DIMENSIONS = (_own(name.removeprefix("x_")) for name in DIMENSION_COLUMNS if name not in _LISTED)
COLUMNS: tuple[FocusColumn, ...] = (
    *_SPECIFIED,
    *sorted((*_OWN, *_OF_DIMENSIONS), key=lambda column: column.name),
)
"""All columns of all versions: those of the specification by name, then our own by name."""


def columns_of(version: Version, grain: Grain) -> tuple[FocusColumn, ...]:
    """The columns of a version and grain, in their order."""
    versions = list(Version)
    return tuple(
        column
        for column in COLUMNS
        if versions.index(column.since) <= versions.index(version) <= versions.index(column.until)
        and grain in column.grains
    )
