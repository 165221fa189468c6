"""The columns that a file of infrastructure costs must or may have, and how a mistake in such a file is told.

Which bytes hold them is the business of `infrastructure_csv` and `infrastructure_parquet`, what their values mean
that of `infrastructure_rows`.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from circleci_cost.errors import ExportDataError

START, END, COST, CURRENCY = "start", "end", "cost", "currency"
PROVIDER, SERVICE, SERVICE_CATEGORY = "provider", "service", "service_category"
SUB_ACCOUNT, SUB_ACCOUNT_ID = "sub_account", "sub_account_id"
TAGS, TAG_VALUE, CHARGE_CATEGORY = "tags", "tag_value", "charge_category"
_SHOWN = 60


@dataclass(frozen=True)
class Layout:
    """What is read of a file: each column by the names that it may have, the first one there being taken.

    `tag` is the key of Tags whose value is read, `provider` stands for the column, `currency` for that of all rows.
    """

    columns: Mapping[str, Sequence[str]]
    required: Sequence[str]
    what: str
    provider: str | None = None
    currency: str | None = None
    tag: str | None = None

    def find(self, file: str, header: Sequence[str]) -> dict[str, str]:
        """The column of the file for each of `columns` that is there; upper and lower case are the same.

        Raises `ExportDataError` for a required column that is missing, and for one that is there twice.
        """
        by_name: dict[str, list[str]] = {}
        for name in header:
            by_name.setdefault(name.strip().lower(), []).append(name)
        found: dict[str, str] = {}
        for column, names in self.columns.items():
            there = [name for name in names if name.lower() in by_name]
            if there:
                written = by_name[there[0].lower()]
                if len(written) > 1:
                    raise mistake(file, None, None, f"the column {there[0]} is there twice; leave one of them out")
                found[column] = written[0]
            elif column in self.required:
                raise mistake(file, None, None, self._missing(names, header))
        return found

    def _missing(self, names: Sequence[str], header: Sequence[str]) -> str:
        if len(header) == 1 and ";" in header[0]:
            return "there is one column only; separate columns with commas, not with semicolons"
        near = difflib.get_close_matches(names[0], header, 1, 0.8)
        hint = f" (there is {near[0]!r})" if near else ""
        return f"the column {' or '.join(names)} is missing{hint}; write {self.what}"


def focus_layout(provider: str | None = None, tag: str | None = None) -> Layout:
    """FOCUS 1.0 to 1.4; 1.3 renamed ProviderName, and only 1.4 took the old name out."""
    columns = {
        START: ("ChargePeriodStart",),
        END: ("ChargePeriodEnd",),
        COST: ("EffectiveCost", "BilledCost"),
        CURRENCY: ("BillingCurrency",),
        PROVIDER: ("ProviderName", "ServiceProviderName"),
        SERVICE: ("ServiceName",),
        SERVICE_CATEGORY: ("ServiceCategory",),
        SUB_ACCOUNT: ("SubAccountName",),
        SUB_ACCOUNT_ID: ("SubAccountId",),
        CHARGE_CATEGORY: ("ChargeCategory",),
        TAGS: ("Tags",),
    }
    required = [START, COST, CURRENCY, SERVICE]
    if provider is None:
        required.append(PROVIDER)
    else:
        del columns[PROVIDER]
    if tag is None:
        del columns[TAGS]
    else:
        required.append(TAGS)
    return Layout(columns, required, "a FOCUS file of version 1.0 to 1.4", provider, None, tag)


def simple_layout(provider: str, currency: str) -> Layout:
    """A CSV file with the columns date, amount and label."""
    columns = {START: ("date",), COST: ("amount",), SERVICE: ("label",)}
    return Layout(columns, list(columns), "the header date,amount,label", provider, currency)


@dataclass(frozen=True)
class TextRows:
    """Some rows of a file as text, NULL where nothing is written; `written` names the columns as the file does.

    `place` says where a row of the frame is: "line 12" of a CSV file, "row 12" of a Parquet file.
    """

    file: str
    frame: pl.DataFrame
    written: Mapping[str, str]
    place: Callable[[int], str]

    def mistake(self, row: int, column: str, what: str) -> ExportDataError:
        """The error for a value; `what` says what is wrong and what to do."""
        return mistake(self.file, self.place(row), self.written.get(column, column), what)


def mistake(file: str, place: str | None, column: str | None, what: str) -> ExportDataError:
    """The error for a file: where, what and what to do. Nothing of such a file is used."""
    where = ", ".join(filter(None, (file, place, f"column {column}" if column else None)))
    return ExportDataError(f"{where}: {what}. Nothing of this file was used.")


def shown(value: object) -> str:
    """A value as messages quote it, shortened where it is long."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
