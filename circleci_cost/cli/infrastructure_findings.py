"""The findings of `check` about `[[infrastructure]]`: for each source the number of files or their mistakes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from circleci_cost.cli.findings import Finding
from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.layout import Lake
from circleci_cost.model.infrastructure.addresses import is_address
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost.text.units import counted

if TYPE_CHECKING:
    from circleci_cost.lake.infrastructure_state import InfrastructureState
    from circleci_cost.lake.remote_files import FoundFile
    from circleci_cost.model.infrastructure.facts import FileFacts

_SUBJECT = "infrastructure"


def infrastructure_findings(
    sources: Sequence[Infrastructure],
    resolve: Callable[[Path], Path],
    *,
    offline: bool = False,
    lake: Lake | None = None,
) -> Iterator[Finding]:
    """Look for the files of each source, read the beginning of those that count, and its exchange rates.

    `resolve` makes relative paths absolute. `offline` leaves object stores out. Rows that are no cost are counted as of
    the last reading, whose state is in `lake`.
    """
    from circleci_cost.lake.infrastructure_state import InfrastructureState, read_state

    try:
        state = read_state(lake) if lake else InfrastructureState()
    except CircleciCostError as error:
        yield Finding(_SUBJECT, "error", str(error), error.exit_code)
        return
    for source in sources:
        if offline and any(is_address(pattern) for pattern in source.files):
            yield Finding(_SUBJECT, "ok", f"{source.name}: in an object store, not looked at")
        else:
            yield from _findings(source, resolve, state)


def _findings(
    source: Infrastructure, resolve: Callable[[Path], Path], state: "InfrastructureState"
) -> Iterator[Finding]:
    from circleci_cost.lake.infrastructure import counting_files
    from circleci_cost.model.infrastructure.facts import left_out_of, remarks_on
    from circleci_cost.model.infrastructure.rates import read_rates

    try:
        files = counting_files(source, resolve, state)
        if source.rates:
            read_rates(resolve(source.rates))
    except CircleciCostError as error:
        yield Finding(_SUBJECT, "error", f"{source.name}: {error}", error.exit_code)
        return
    facts, wrong = [], 0
    for file in files.counting:
        try:
            facts.append(_beginning(file, source))
        except CircleciCostError as error:
            wrong += 1
            yield Finding(_SUBJECT, "error", f"{source.name}: {error}", error.exit_code)
    facts_read = [
        file_state.counted for file_state in state.files.get(source.name, {}).values() if not file_state.superseded
    ]
    for remark in (*remarks_on(facts_read or facts), *files.remarks):
        yield Finding(_SUBJECT, "warning", f"{source.name}: {remark}")
    if not wrong:
        left_out = ", ".join(
            f"{name} {counted(rows, 'row')} {billed}" for name, rows, billed in left_out_of(facts_read)
        )
        addition = f"; left out as no cost of a day: {left_out}" if left_out else ""
        if files.superseded:
            addition = f", {len(files.superseded)} of former deliveries{addition}"
        yield Finding(_SUBJECT, "ok", f"{source.name}: {counted(len(files.counting), 'file')}{addition}")


def _beginning(file: "FoundFile", source: Infrastructure) -> "FileFacts":
    from circleci_cost.lake.remote_files import opened
    from circleci_cost.model.infrastructure.cost_files import read_beginning

    with opened(file) as stream:
        return read_beginning(stream, source, file.name)
