"""What `check` says of `[[infrastructure]]`: for each source how many files there are, or what is wrong."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from circleci_cost.cli.findings import Finding
from circleci_cost.errors import CircleciCostError
from circleci_cost.sections.infrastructure import Infrastructure, is_address

_SUBJECT = "infrastructure"


def infrastructure_findings(
    sources: Sequence[Infrastructure], resolve: Callable[[Path], Path], *, offline: bool = False
) -> Iterator[Finding]:
    """Look for the files of each source and read its exchange rates; files of costs are not read.

    `resolve` makes relative paths absolute. `offline` leaves object stores out.
    """
    from circleci_cost.lake.infrastructure import source_files
    from circleci_cost.model.infrastructure_rates import read_rates

    for source in sources:
        if offline and any(is_address(pattern) for pattern in source.files):
            yield Finding(_SUBJECT, "ok", f"{source.name}: in an object store, not looked at")
            continue
        try:
            found = source_files(source, resolve)
            if source.rates:
                read_rates(resolve(source.rates))
        except CircleciCostError as error:
            yield Finding(_SUBJECT, "error", f"{source.name}: {error}", error.exit_code)
            continue
        yield Finding(_SUBJECT, "ok", f"{source.name}: {len(found)} {'file' if len(found) == 1 else 'files'}")
