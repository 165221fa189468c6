"""What single receivers of cost files accept: their columns, and how large a file may be.

They take FOCUS in part or not at all, show one cost only, and know nothing of `x_` columns: each gets the cost of
usage where it looks for a cost, and CircleCI's dimensions as tags. Rows that are alike in these columns are added up.
"""

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """How a column of a receiver is made from a FOCUS column."""

    TEXT = "text"
    DAY = "day"
    """The day of a time, `YYYY-MM-DD`."""
    LAST_DAY = "last day"
    """The last day before a time: the inclusive end."""
    TIME = "time"
    SUM = "sum"
    TAGS = "tags"
    """All virtual tags and dimensions in one JSON object."""
    RESOURCE = "resource"
    """What the tags are of: the resource, or the SKU in its project; a part of a shared cost is one by itself."""


@dataclass(frozen=True)
class ReceiverColumn:
    """One column of a receiver, made from the FOCUS column `source`."""

    name: str
    source: str
    form: Form = Form.TEXT


@dataclass(frozen=True)
class Receiver:
    """A receiver of files. `tag_column` names the column of one tag, empty where one column holds all of them.

    `blank` stands for a missing value where nulls are refused. `documentation` says where the limits are from.
    """

    name: str
    shown: str
    documentation: str
    columns: tuple[ReceiverColumn, ...]
    most_rows: int
    most_bytes: int | None = None
    tag_column: str = ""
    blank: str = ""
    most_characters: int | None = None


# CircleCI's dimensions as tags, by the column that holds them.
DIMENSION_TAGS: dict[str, str] = {
    "circleci_project": "SubAccountName",
    "circleci_workflow": "x_WorkflowName",
    "circleci_job": "x_JobName",
    "circleci_resource_class": "x_ResourceClass",
    "circleci_credit_type": "x_CreditType",
}

_VANTAGE = Receiver(
    "vantage",
    "Vantage",
    "https://docs.vantage.sh/connecting_custom_providers",
    (
        ReceiverColumn("ChargePeriodStart", "ChargePeriodStart", Form.DAY),
        ReceiverColumn("ChargeCategory", "ChargeCategory"),
        ReceiverColumn("BilledCost", "EffectiveCost", Form.SUM),
        ReceiverColumn("BillingCurrency", "BillingCurrency"),
        ReceiverColumn("ResourceId", "ResourceId"),
        ReceiverColumn("ResourceType", "SkuMeter"),
        ReceiverColumn("ServiceCategory", "ServiceCategory"),
        ReceiverColumn("ServiceName", "ServiceName"),
        ReceiverColumn("Tags", "Tags", Form.TAGS),
    ),
    most_rows=10_000,
    # 2 MB, and less than any reading of "MB" may mean.
    most_bytes=2_000_000,
)

_DATADOG = Receiver(
    "datadog",
    "Datadog",
    "https://docs.datadoghq.com/cloud_cost_management/setup/custom/",
    (
        ReceiverColumn("ProviderName", "ProviderName"),
        ReceiverColumn("ChargeDescription", "SkuMeter"),
        ReceiverColumn("ChargePeriodStart", "ChargePeriodStart", Form.DAY),
        ReceiverColumn("ChargePeriodEnd", "ChargePeriodEnd", Form.LAST_DAY),
        ReceiverColumn("BilledCost", "EffectiveCost", Form.SUM),
        ReceiverColumn("BillingCurrency", "BillingCurrency"),
    ),
    # Datadog states no limit; a file of this size is quickly sent again.
    most_rows=100_000,
    tag_column="{tag}",
    blank="(none)",
    most_characters=1000,
)

CLOUDZERO = Receiver(
    "cloudzero",
    "CloudZero",
    "https://docs.cloudzero.com/docs/anycost-common-bill-format-cbf",
    (
        ReceiverColumn("lineitem/type", "ChargeCategory"),
        ReceiverColumn("lineitem/description", "SkuMeter"),
        ReceiverColumn("time/usage_start", "ChargePeriodStart", Form.TIME),
        ReceiverColumn("time/usage_end", "ChargePeriodEnd", Form.TIME),
        ReceiverColumn("resource/id", "ResourceId", Form.RESOURCE),
        ReceiverColumn("resource/service", "ServiceName"),
        ReceiverColumn("resource/account", "SubAccountName"),
        ReceiverColumn("resource/usage_family", "SkuMeter"),
        ReceiverColumn("action/usage_type", "SkuId"),
        ReceiverColumn("usage/amount", "ConsumedQuantity", Form.SUM),
        ReceiverColumn("usage/units", "ConsumedUnit"),
        ReceiverColumn("cost/cost", "EffectiveCost", Form.SUM),
        ReceiverColumn("cost/on_demand_cost", "ListCost", Form.SUM),
    ),
    most_rows=1_000_000,
    tag_column="resource/tag:{tag}",
)

RECEIVERS: dict[str, Receiver] = {each.name: each for each in (_VANTAGE, _DATADOG, CLOUDZERO)}
