"""Which files of a source of infrastructure costs there are, and what the new and changed ones of them hold.

Unchanged files are not read again, and of the deliveries of a billing period only the newest counts. How a file is
read is `model.infrastructure`'s business, which deliveries there are `infrastructure_deliveries`', and what becomes of
the days of changed and vanished files `warehouse.infrastructure`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from circleci_cost.errors import CircleciCostError, ExportDataError
from circleci_cost.lake.infrastructure_deliveries import Deliveries, Delivery, deliveries_of, may_need_manifests
from circleci_cost.lake.infrastructure_manifests import Manifest, manifests_beside
from circleci_cost.lake.infrastructure_reading import KnownFile, Reading
from circleci_cost.lake.infrastructure_state import InfrastructureState, SeenFile
from circleci_cost.lake.remote_files import FoundFile, find_files
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost.model.infrastructure.facts import FileFacts, remarks_on
from circleci_cost.model.infrastructure.rates import RATES_SCHEMA, read_rates


@dataclass(frozen=True)
class SourceFiles:
    """The files of a source that are there now: `unchanged` ones, and the costs of those that were `read`.

    `facts` says by path what was noticed in those that count, `superseded` how many do not, since a newer delivery
    holds their billing periods; `remarks` are sentences for the user.
    """

    source: Infrastructure
    unchanged: tuple[KnownFile, ...]
    read: tuple[tuple[KnownFile, pl.DataFrame], ...]
    rates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RATES_SCHEMA))
    rates_file: Path | None = None
    facts: Mapping[str, SeenFile] = field(default_factory=dict)
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    superseded: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def present(self) -> tuple[KnownFile, ...]:
        """All files, by path."""
        return tuple(sorted((*self.unchanged, *(file for file, _ in self.read)), key=lambda file: file.path))


@dataclass(frozen=True)
class SourceProblem:
    """Why a source could not be read; what was read of it before stays."""

    source: str
    error: CircleciCostError


def read_sources(
    sources: Sequence[Infrastructure],
    known: Mapping[str, Mapping[str, KnownFile]],
    resolve: Callable[[Path], Path],
    folder: Path,
    state: InfrastructureState | None = None,
) -> list[SourceFiles | SourceProblem]:
    """Read what is new or has changed since `known` [source → path]; a mistake stops its own source only.

    `state` is what was noticed then: a file of which nothing is known there is read again. `resolve` makes relative
    paths absolute; copies of files in object stores are kept in `folder` while they are read.
    """
    found: list[SourceFiles | SourceProblem] = []
    for source in sources:
        try:
            before = known.get(source.name, {})
            found.append(read_source(source, before, resolve, folder, state or InfrastructureState()))
        except CircleciCostError as error:
            found.append(SourceProblem(source.name, error))
    return found


def read_source(
    source: Infrastructure,
    known: Mapping[str, KnownFile],
    resolve: Callable[[Path], Path],
    folder: Path,
    state: InfrastructureState,
) -> SourceFiles:
    """Read one source. Raises what `find_files`, `local_copy`, `read_costs` and `read_rates` raise."""
    rates_file = resolve(source.rates) if source.rates else None
    rates = read_rates(rates_file) if rates_file else pl.DataFrame(schema=RATES_SCHEMA)
    found = counting_files(source, resolve, state)
    reading = Reading(source, known, state.files.get(source.name, {}), folder)
    looked_at = [reading.look(file) for file in found.counting]
    without = _replaced_periods(found.deliveries, {each.file.name: each.facts for each in looked_at})
    files = [reading.unread(file) for file in found.superseded]
    files += [reading.finish(each, without.get(each.file.name, frozenset())) for each in looked_at]
    result = SourceFiles(
        source=source,
        unchanged=tuple(each.known for each in files if each.costs is None),
        read=tuple((each.known, each.costs) for each in files if each.costs is not None),
        rates=rates,
        rates_file=rates_file,
        facts={each.known.path: each.seen for each in files},
        manifests={manifest.name: manifest for manifest in found.manifests},
        superseded=sum(each.seen.superseded for each in files),
        remarks=(
            *remarks_on(each.seen.counted for each in files if not each.seen.superseded),
            *found.remarks,
        ),
    )
    _refuse_copies(result.present)
    return result


@dataclass(frozen=True)
class CountingFiles:
    """The files of a source as their paths and manifests tell: those `counting`, and those of former `deliveries`."""

    counting: tuple[FoundFile, ...]
    superseded: tuple[FoundFile, ...]
    deliveries: Deliveries
    manifests: tuple[Manifest, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences for the user."""
        unfinished = self.deliveries.unfinished
        return tuple(f"{name} has no manifest and is left out; it counts when it has one" for name in unfinished)


def counting_files(
    source: Infrastructure, resolve: Callable[[Path], Path], state: InfrastructureState
) -> CountingFiles:
    """The files of a source, as far as it is told without reading them. Raises as `find_files` and `deliveries_of`."""
    known = state.manifests.get(source.name, {})
    found = source_files(source, resolve)
    manifests = (
        manifests_beside(source.files, resolve, known, needed=source.deliveries == "manifest")
        if may_need_manifests(source, found)
        else []
    )
    deliveries = deliveries_of(source, found, manifests)
    replaced = _replaced_by_path(deliveries)
    return CountingFiles(
        tuple(file for file in found if file.name not in replaced),
        tuple(file for file in found if file.name in replaced),
        deliveries,
        tuple(manifests),
    )


def source_files(source: Infrastructure, resolve: Callable[[Path], Path]) -> list[FoundFile]:
    """The files that fit any pattern of a source, each once, by name. Raises what `find_files` raises."""
    by_name = {file.name: file for pattern in source.files for file in find_files(pattern, resolve)}
    return [by_name[name] for name in sorted(by_name)]


def _replaced_by_path(deliveries: Deliveries) -> set[str]:
    """The files that need not be looked at: of former deliveries of a folder, of unfinished ones, and leftovers."""
    whole: dict[str, list[Delivery]] = {}
    for delivery in deliveries.of.values():
        if delivery.whole:
            whole.setdefault(delivery.stream, []).append(delivery)
    newest = {stream: deliveries.newest(found) for stream, found in whole.items()}
    replaced = {
        name
        for name, each in deliveries.of.items()
        if not each.finished or (each.whole and each != newest[each.stream])
    }
    return replaced | deliveries.unlisted


def _replaced_periods(deliveries: Deliveries, facts: Mapping[str, FileFacts]) -> dict[str, frozenset[date]]:
    """The billing periods of each file that a newer delivery of its stream holds, too."""
    holders: dict[tuple[str, date], list[Delivery]] = {}
    for name, fact in facts.items():
        delivery = deliveries.of.get(name)
        if delivery is not None and not delivery.whole:
            for period in fact.periods:
                holders.setdefault((delivery.stream, period), []).append(delivery)
    newest = {key: deliveries.newest(found) for key, found in holders.items()}
    return {
        name: frozenset(
            period for period in fact.periods if newest.get((deliveries.of[name].stream, period)) != deliveries.of[name]
        )
        for name, fact in facts.items()
        if name in deliveries.of and not deliveries.of[name].whole
    }


def _refuse_copies(files: Sequence[KnownFile]) -> None:
    by_content: dict[str, str] = {}
    for file in files:
        if file.rows and file.sha256 in by_content:
            raise ExportDataError(
                f"{file.path} has the same content as {by_content[file.sha256]}, and its costs would count twice; "
                "remove one of them, or narrow the files of [[infrastructure]]. Nothing of this source was used."
            )
        by_content[file.sha256] = file.path
