"""What is said, whatever the channel: a title, sentences, facts, one table, and exact values for machines.

How it looks in a channel is that channel's renderer's; when it is said and to whom is not decided here.
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
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {one_line(key): _clean(each) for key, each in value.items()}
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
    """All its texts are single lines without control characters, whatever they were made of.

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
    """What a message is about. One message is sent per key and channel, over any number of runs."""

    event: Event | Literal["test"]
    subject: Line
    period: Line = ""
    threshold: Line = ""

    @property
    def id(self) -> str:
        """The same 32 hexadecimal digits for the same key, always."""
        fields = json.dumps([self.event, self.subject, self.period, self.threshold])
        return hashlib.sha256(fields.encode()).hexdigest()[:32]


class Notice(NamedTuple):
    """A message with its key; one with an owner goes to that owner's channels."""

    key: Key
    message: Message
    owner: str | None = None


@dataclass(frozen=True)
class Envelope:
    """A message on its way; `created_at` is when it was queued, in UTC."""

    key: Key
    message: Message
    created_at: datetime

    @property
    def id(self) -> str:
        """What tells a repetition from another message."""
        return self.key.id
