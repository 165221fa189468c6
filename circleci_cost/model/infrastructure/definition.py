"""`[[infrastructure]]`: where the costs of the company's own infrastructure are read from.

Reading such files is the job of `cost_files`, finding them that of `lake.remote_files`.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from circleci_cost.model.infrastructure.addresses import check_address
from circleci_cost.sections.section import FilePath, Label, Name, Section, refuse_repeated

USD = "USD"


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError('write the three capital letters of ISO 4217, such as "EUR"')
    return value


class Infrastructure(Section):
    """`[[infrastructure]]`: one source of costs, such as a cloud's export.

    `files` are paths, globs or addresses (`s3://bucket/…`, `gs://bucket/…`, `az://account@container/…`); in an
    address `*`, `**` and `[…]` are wildcards, and options follow `?`. The files of a source are added up, so none may
    repeat what another contains, except for `deliveries`, of which the newest counts. `format` is FOCUS 1.0 to 1.4,
    or `simple`: a CSV file with the columns date, amount and label. `cost` is the amount that is read from a row,
    `purchases` says which purchases are cost. `rates` is a CSV file with date, currency and usd_per_unit for amounts
    that are not in USD.
    """

    name: Name
    files: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
    format: Literal["focus", "simple"] = "focus"
    provider: Label | None = None
    currency: Annotated[str, AfterValidator(_currency)] | None = None
    rates: FilePath | None = None
    tag: Label | None = None
    cost: Literal["effective", "billed"] = "effective"
    purchases: Literal["specification", "count", "leave_out"] = "specification"
    deliveries: Literal["auto", "all", "manifest", "folder", "name", "time"] = "auto"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.files:
            raise ValueError("files is empty; write a path, a glob or an address")
        for pattern in self.files:
            check_address(pattern)
        # A mistake of the whole section, so that the message does not repeat the value: it may hold a secret.
        if self.rates and ":/" in str(self.rates):
            raise ValueError("rates is a file on this machine, not an address")
        if self.format == "focus" and self.currency:
            raise ValueError('currency belongs to format = "simple"; FOCUS files name their currency in each row')
        if self.format == "simple" and self.tag:
            raise ValueError('tag belongs to format = "focus"; of simple files the label is all there is')
        if self.format == "simple" and (self.cost, self.purchases) != ("effective", "specification"):
            raise ValueError('cost and purchases belong to format = "focus"; simple files hold one amount')
        if self.currency not in (None, USD) and not self.rates:
            raise ValueError(
                f"amounts in {self.currency} need rates: a CSV file with the columns date,currency,usd_per_unit"
            )
        return self


def check_sources(sources: Sequence[Infrastructure]) -> None:
    """Refuse two sources with the same name. Raises a mistake with its place in the file."""
    refuse_repeated(("infrastructure",), "infrastructure source", [source.name for source in sources])


def configuration_hash(sources: Sequence[Infrastructure]) -> str:
    """A hash of the sections' contents."""
    return hashlib.sha256("\n".join(source.model_dump_json() for source in sources).encode()).hexdigest()[:16]
