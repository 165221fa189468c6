"""Makes the view `focus_rows` of the charges, and puts together what a version, or a receiver, wants of it.

The mapping itself is `rows.sql`; `files` writes what a query here gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from circleci_cost.errors import CircleciCostError
from circleci_cost.model.focus.columns import DIMENSION_COLUMNS, FocusColumn, Grain, Kind, Style, Version, columns_of
from circleci_cost.model.focus.receivers import DIMENSION_TAGS, Form, Receiver, ReceiverColumn
from circleci_cost.model.focus.skus import METERS, SKUS
from circleci_cost.model.pricing.definition import LIST_PRICE
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.core.statements import sql

_JOB_COLUMNS = {
    "x_JobId": "job_id",
    "x_JobRunNumber": "job_run_number",
    "x_PipelineId": "pipeline_id",
    "x_PipelineNumber": "pipeline_number",
    "x_StartedAt": "timezone('UTC', charges.started_at)",
    "x_StoppedAt": "timezone('UTC', charges.stopped_at)",
    "x_TriggerUserId": "trigger_user_id",
    "x_WorkflowId": "workflow_id",
}
# Unique for a charge, or else the rows are the same.
_ORDER = (
    "focus_date", "x_CostCenter", "SubAccountId", "x_WorkflowName", "x_JobName", "x_JobId", "focus_charge", "x_Branch",
    "SkuId", *(name for name in DIMENSION_COLUMNS if name != "x_Branch"), "x_IsUnregisteredUser", "x_OrganizationId",
    "ResourceId", "Tags", "PricingQuantity", "EffectiveCost", "x_RuleId", "x_SplitId", "x_JobRuns", "x_RunSeconds",
)  # fmt: skip
# What receivers show is the cost of what was used: no purchase, and no credits that expired.
_OF_USAGE = """"ChargeFrequency" = 'Usage-Based'"""
_TIME = "strftime(timezone('UTC', {}), '%Y-%m-%dT%H:%M:%SZ')"


@dataclass(frozen=True)
class Query:
    """Rows for files: the expression of each column over `source`, which is named `rows`, their order, the texts."""

    columns: Mapping[str, str]
    source: str
    order: str
    texts: frozenset[str]


def make_rows(connection: duckdb.DuckDBPyConnection, payers: Mapping[str, str], style: Style, grain: Grain) -> None:
    """Make `focus_rows` of `focus_charges`. In: the paying organization's id of each configured cost center."""
    for name, value in {
        "focus_style": style.value,
        "focus_list_price": LIST_PRICE,
        "focus_cost_centers": list(payers),
        "focus_organizations": list(payers.values()),
        "focus_skus": list(SKUS.values()),
        "focus_meters": list(METERS.values()),
    }.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    jobs = "".join(
        f'{column} AS "{name}",' if grain is Grain.JOB else f'CAST(NULL AS VARCHAR) AS "{name}",'
        for name, column in _JOB_COLUMNS.items()
    )
    connection.execute(sql("focus/rows").format(jobs=jobs))


def focus_query(version: Version, grain: Grain, *, as_text: bool) -> Query:
    """The rows with the columns of a version. `as_text`: times as ISO 8601 with Z, for CSV."""
    columns = columns_of(version, grain)
    return Query(
        columns={column.name: _typed(column, as_text=as_text) for column in columns},
        source="focus_rows AS rows",
        order=", ".join(f'rows."{name}" NULLS FIRST' for name in _ORDER),
        texts=frozenset(column.name for column in columns if column.kind in {Kind.TEXT, Kind.JSON}),
    )


def _typed(column: FocusColumn, *, as_text: bool) -> str:
    name = f'rows."{column.name}"'
    if column.kind is Kind.TIME and as_text:
        return _TIME.format(name)
    return f"CAST({name} AS {Kind.TEXT.value if column.kind is Kind.JSON else column.kind.value})"


def receiver_query(receiver: Receiver, tags: Sequence[str]) -> Query:
    """The rows as a receiver wants them, those that are alike added up. In: the virtual tags of the generation.

    Raises `CircleciCostError` for a tag that is named like something else in the receiver's files.
    """
    taken = {name.lower() for name in (*DIMENSION_TAGS, *(column.name for column in receiver.columns))}
    for tag in tags:
        if tag in DIMENSION_TAGS or receiver.tag_column.format(tag=tag).lower() in taken:
            raise CircleciCostError(
                f"{receiver.shown}'s files have a {tag} already, so the virtual tag {tag} has no place in them; give "
                "the tag another name. Nothing was written."
            )
    columns = {column.name: _received(column, receiver, tags) for column in receiver.columns}
    if receiver.tag_column:
        columns |= {receiver.tag_column.format(tag=tag): value for tag, value in _tag_values(tags).items()}
    sums = {column.name for column in receiver.columns if column.form is Form.SUM}
    selected = ", ".join(
        f'{value if name in sums else _allowed(value, receiver)} AS "{_doubled(name)}"'
        for name, value in columns.items()
    )
    texts = [name for name in columns if name not in sums]
    return Query(
        columns={name: f'rows."{_doubled(name)}"' for name in columns},
        source=f"(SELECT {selected} FROM focus_rows WHERE {_OF_USAGE} GROUP BY ALL) AS rows",  # noqa: S608 - quoted
        order=", ".join(f'rows."{_doubled(name)}" NULLS FIRST' for name in texts),
        texts=frozenset(texts),
    )


def _doubled(name: str) -> str:
    return name.replace('"', '""')


def _received(column: ReceiverColumn, receiver: Receiver, tags: Sequence[str]) -> str:
    source = f'"{column.source}"'
    if column.form is Form.TAGS:
        pairs = ", ".join(f"{sql_text(tag)}, {expression}" for tag, expression in _tag_values(tags).items())
        return f"CAST(json_object({pairs}) AS VARCHAR)"
    forms = {
        Form.TEXT: source,
        Form.DAY: f"strftime(timezone('UTC', {source}), '%Y-%m-%d')",
        Form.LAST_DAY: f"strftime(timezone('UTC', {source}) - INTERVAL 1 DAY, '%Y-%m-%d')",
        Form.TIME: _TIME.format(source),
        Form.SUM: f"sum({source})",
        Form.RESOURCE: (
            f'coalesce({source}, concat_ws(\'/\', "SubAccountId", "SkuId"))'
            " || CASE WHEN \"x_SplitId\" IS NULL THEN '' ELSE '#' || left(md5(\"Tags\"), 8) END"
        ),
    }
    return forms[column.form]


def _tag_values(tags: Sequence[str]) -> dict[str, str]:
    """The expression of each tag's value: virtual tags, then CircleCI's dimensions."""
    own = {tag: f'json_extract_string("Tags", {sql_text(_pointer(tag))})' for tag in tags}
    return own | {name: f'"{column}"' for name, column in DIMENSION_TAGS.items()}


def _pointer(key: str) -> str:
    """A JSON pointer to a key of an object."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _allowed(expression: str, receiver: Receiver) -> str:
    """The text in the length that a receiver takes, and never blank where it refuses that."""
    text = f"left({expression}, {receiver.most_characters})" if receiver.most_characters else expression
    return f"coalesce(nullif(trim({text}), ''), {sql_text(receiver.blank)})" if receiver.blank else text
