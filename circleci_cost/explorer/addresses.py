"""Addresses: the query string is the whole state of a page, and every link is that state with something changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from circleci_cost.errors import UsageError
from circleci_cost.text.plain import quoted

_MOST_CHARACTERS = 8000
_MOST_PARAMETERS = 100


@dataclass(frozen=True)
class Address:
    """A path of this server with its parameters; a name may be there several times."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()

    def one(self, name: str) -> str | None:
        """The value of a parameter; None where it is missing or empty. Raises `UsageError` where it is there twice."""
        values = self.many(name)
        if len(values) > 1:
            raise UsageError(f"The address has {name} {len(values)} times; leave one.")
        return values[0] if values else None

    def many(self, name: str) -> list[str]:
        """All values of a parameter that are not empty."""
        return [value for key, value in self.parameters if key == name and value]

    def require_known(self, names: Sequence[str]) -> None:
        """Raise `UsageError` for a parameter that the page does not have: a typing error would ask something else."""
        for name, _ in self.parameters:
            if name not in names:
                raise UsageError(f"This page has no parameter {quoted(name)}; it has {', '.join(names) or 'none'}.")

    def changed(self, **changes: str | Sequence[str] | None) -> "Address":
        """The address with other values; None removes a parameter. `from_` stands for `from`."""
        named = {name.rstrip("_"): value for name, value in changes.items()}
        kept = [(name, value) for name, value in self.parameters if name not in named]
        for name, value in named.items():
            kept += [(name, each) for each in ([value] if isinstance(value, str) else value or [])]
        return Address(self.path, tuple(kept))

    def at(self, path: str) -> "Address":
        """The same parameters at another path."""
        return Address(path, self.parameters)

    def only(self, *names: str) -> "Address":
        """The address with these parameters alone."""
        return Address(self.path, tuple(pair for pair in self.parameters if pair[0] in names))

    def __str__(self) -> str:
        """The address as a link has it."""
        query = urlencode([(name, value) for name, value in self.parameters if value])
        return f"{self.path}?{query}" if query else self.path


def read_address(path: str, query: str) -> Address:
    """The address of a request. Raises `UsageError` where it is too long or not UTF-8."""
    if len(query) > _MOST_CHARACTERS:
        raise UsageError(f"This address is longer than {_MOST_CHARACTERS} characters; take some filters out.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise UsageError(
            f"This address is not readable: more than {_MOST_PARAMETERS} parameters, or a text that is not UTF-8."
        ) from None
    # Browsers write a line break of a form's field in two characters.
    return Address(path, tuple((name, value.replace("\r\n", "\n")) for name, value in pairs))
