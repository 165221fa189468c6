"""The columns that a file of infrastructure costs must or may have, and the errors for mistakes in such a file.

Reading the bytes is the job of `csv_files` and `parquet_files`, interpreting the values that of `rows`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from circleci_cost.errors import ExportDataError
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import similar

START, END, COST, BILLED, CURRENCY = "start", "end", "cost", "billed", "currency"
PERIOD = "period"
PROVIDER, SERVICE, SERVICE_CATEGORY = "provider", "service", "service_category"
SUB_ACCOUNT, SUB_ACCOUNT_ID = "sub_account", "sub_account_id"
TAGS, TAG_VALUE, CHARGE_CATEGORY, COMMITMENT = "tags", "tag_value", "charge_category", "commitment"
NONE = "(none)"
_SHOWN = 60
_FORMER = ("AmortizedCost", "BilledCurrency", "ChargeType", "Provider")


@dataclass(frozen=True)
class Layout:
    """The columns to read from a file, each with its possible names: of several, the first that a row fills counts.

    Each group of `required` needs one of its columns; `remedies` say what to do without it, or else that the file must
    be `what`. `tag` is the key of Tags whose value is read; `provider` replaces the column of providers, `currency`
    applies to all rows.
    """

    columns: Mapping[str, Sequence[str]]
    required: Sequence[Sequence[str]]
    what: str
    provider: str | None = None
    currency: str | None = None
    tag: str | None = None
    remedies: Mapping[str, str] = field(default_factory=dict)

    def find(self, file: str, header: Sequence[str]) -> dict[str, str]:
        """Map `columns` to the names that the header has for them, in either case.

        If the header has further names of a column, they get the keys that `alternative` gives. Raises
        `ExportDataError` for a required column that is missing, and for a column that occurs twice.
        """
        by_name: dict[str, list[str]] = {}
        for name in header:
            by_name.setdefault(name.strip().lower(), []).append(name)
        columns: dict[str, str] = {}
        for column, names in self.columns.items():
            present = [name for name in names if name.lower() in by_name]
            for number, name in enumerate(present):
                written = by_name[name.lower()]
                if len(written) > 1:
                    raise mistake(file, None, None, f"the column {name} is there twice; leave one of them out")
                columns[alternative(column, number)] = written[0]
        for group in self.required:
            if columns.keys().isdisjoint(group):
                raise mistake(file, None, None, self._missing(group, header))
        return columns

    def _missing(self, group: Sequence[str], header: Sequence[str]) -> str:
        if len(header) == 1 and ";" in header[0]:
            return "there is one column only; separate columns with commas, not with semicolons"
        names = [name for column in group for name in self.columns[column] if name not in _FORMER]
        near = similar(names[0], header, 1)
        hint = f" (there is {near[0]!r})" if near else ""
        remedy = self.remedies.get(group[0], f"write {self.what}")
        return f"the column {' or '.join(names)} is missing{hint}; {remedy}"


def alternative(column: str, number: int) -> str:
    """The key of a column under its name of this number, counted from 0 among the names that the header has."""
    return f"{column}+{number}" if number else column


def focus_layout(
    provider: str | None = None, tag: str | None = None, cost: Literal["effective", "billed"] = "effective"
) -> Layout:
    """FOCUS 0.5 to 1.4 by the names that providers still write; 1.3 renamed ProviderName, 1.4 removed the old name.

    A publisher, host or invoice issuer is another party than the provider and never replaces it.
    """
    columns = {
        START: ("ChargePeriodStart",),
        END: ("ChargePeriodEnd",),
        COST: ("EffectiveCost", "AmortizedCost"),
        BILLED: ("BilledCost",),
        CURRENCY: ("BillingCurrency", "BilledCurrency"),
        PROVIDER: ("ProviderName", "ServiceProviderName", "Provider"),
        SERVICE: ("ServiceName",),
        SERVICE_CATEGORY: ("ServiceCategory",),
        SUB_ACCOUNT: ("SubAccountName",),
        SUB_ACCOUNT_ID: ("SubAccountId",),
        CHARGE_CATEGORY: ("ChargeCategory", "ChargeType"),
        COMMITMENT: ("CommitmentDiscountId",),
        PERIOD: ("BillingPeriodStart",),
        TAGS: ("Tags",),
    }
    required: list[Sequence[str]] = [(START,), (COST, BILLED), (CURRENCY,), (SERVICE,)]
    if cost == "billed":
        del columns[COST]
        required[1] = (BILLED,)
    if provider is None:
        required.append((PROVIDER,))
    else:
        del columns[PROVIDER]
    if tag is None:
        del columns[TAGS]
    else:
        required.append((TAGS,))
    remedies = {
        PROVIDER: 'name the provider in the [[infrastructure]] section, such as provider = "Oracle"',
        TAGS: "export it, or take tag out of the [[infrastructure]] section",
    }
    if cost == "billed":
        remedies[BILLED] = 'export it, or take cost = "billed" out of the [[infrastructure]] section'
    return Layout(columns, required, "a FOCUS file of version 1.0 to 1.4", provider, None, tag, remedies)


def simple_layout(provider: str, currency: str) -> Layout:
    """A CSV file with the columns date, amount and label."""
    columns = {START: ("date",), COST: ("amount",), SERVICE: ("label",)}
    return Layout(columns, [(name,) for name in columns], "the header date,amount,label", provider, currency)


@dataclass(frozen=True)
class TextRows:
    """Some rows of a file as text, NULL where a cell is empty; `written` has the file's own names of the columns.

    `place` gives the place of a row of the frame: "line 12" of a CSV file, "row 12" of a Parquet file.
    """

    file: str
    frame: pl.DataFrame
    written: Mapping[str, str]
    place: Callable[[int], str]

    def mistake(self, row: int, column: str, what: str) -> ExportDataError:
        """The error for a value; `what` states the mistake and the remedy."""
        return mistake(self.file, self.place(row), self.written.get(column, column), what)


def mistake(file: str, place: str | None, column: str | None, what: str) -> ExportDataError:
    """The error for a file: the place, the mistake and the remedy. Nothing of such a file is used."""
    where = ", ".join(filter(None, (file, place, f"column {column}" if column else None)))
    return ExportDataError(f"{where}: {what}. Nothing of this file was used.")


def shown(value: object) -> str:
    """A value as messages quote it, shortened if it is long."""
    return quoted(value, _SHOWN)
