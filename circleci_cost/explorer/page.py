"""What a page is: an address, a title, and functions from an address and a snapshot to what is shown."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.snapshot import Snapshot


@dataclass(frozen=True)
class Content:
    """A page's template and its values."""

    template: str
    values: Mapping[str, object]
    status: int = 200


@dataclass(frozen=True)
class Download:
    """A file to save: its name, its lines, its media type."""

    name: str
    lines: Iterable[str]
    media_type: str = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class Json:
    """An answer for programs; decimals are strings."""

    content: object
    status: int = 200


@dataclass(frozen=True)
class MovedTo:
    """Another address that has the answer, such as the one that a form stands for."""

    address: Address


Answer = Content | Download | Json | MovedTo
Respond = Callable[[Address, Snapshot], Answer]


@dataclass(frozen=True)
class Change:
    """What a form asks to change: its fields, and the user that a proxy names, empty without a login."""

    fields: Mapping[str, str]
    user: str


Act = Callable[[Change, Snapshot], Address | Content]


@dataclass(frozen=True)
class Page:
    """A page of the navigation.

    `more`: further paths below it, such as its CSV, each with its function. `actions`: paths of forms; what they
    return is where the browser goes next, or the page that says why nothing was changed. All functions run in threads
    of their own.
    """

    name: str
    path: str
    title: str
    respond: Respond
    more: tuple[tuple[str, Respond], ...] = ()
    actions: tuple[tuple[str, Act], ...] = ()
