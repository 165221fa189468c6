"""A message for any channel: a title, sentences, facts, one table, and exact values for machines.

Each channel renders it in its own form; `occasions` and `routing` decide when it is sent and to whom.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue
from pydantic.dataclasses import dataclass as validated_dataclass

from circleci_cost.config.notifications import Event
from circleci_cost.text.plain import cut, one_line

Severity = Literal["info", "warning", "critical"]
_TITLE_LENGTH = 200
_LINE_LENGTH = 2000
_CELL_LENGTH = 80


def _clean(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {one_line(key): _clean(item) for key, item in value.items()}
    return value


Title: TypeAlias = Annotated[str, AfterValidator(lambda text: cut(one_line(text), _TITLE_LENGTH))]
Line: TypeAlias = Annotated[str, AfterValidator(lambda text: cut(one_line(text), _LINE_LENGTH))]
Cell: TypeAlias = Annotated[str, AfterValidator(lambda text: cut(one_line(text), _CELL_LENGTH))]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Table(_Part):
    """Rows of text; the first column is a name, the others are amounts."""

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Message(_Part):
    """The content of one message. All its texts are single lines without control characters.

    `data` holds the exact values for machines: decimals as strings, days as YYYY-MM-DD. `link` is set when the
    message is queued.
    """

    title: Title
    severity: Severity = "info"
    lines: tuple[Line, ...] = ()
    facts: tuple[tuple[Line, Line], ...] = ()
    table: Table | None = None
    data: Annotated[dict[str, JsonValue], AfterValidator(_clean)] = {}
    link: str | None = None


@validated_dataclass(frozen=True)
class Key:
    """The subject of a message. One message is sent per key and channel, over any number of runs."""

    event: Event | Literal["test"]
    subject: Line
    period: Line = ""
    threshold: Line = ""

    @property
    def id(self) -> str:
        """32 hexadecimal digits, always the same for the same key."""
        fields = json.dumps([self.event, self.subject, self.period, self.threshold])
        return hashlib.sha256(fields.encode()).hexdigest()[:32]


class Notice(NamedTuple):
    """A message with its key; with an owner, it goes to that owner's channels."""

    key: Key
    message: Message
    owner: str | None = None


@dataclass(frozen=True)
class Envelope:
    """A message in delivery; `created_at` is when it was queued, in UTC."""

    key: Key
    message: Message
    created_at: datetime

    @property
    def id(self) -> str:
        """The id by which receivers recognize a repetition."""
        return self.key.id
