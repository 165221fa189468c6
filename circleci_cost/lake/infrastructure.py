"""The files of a source of infrastructure costs: which there are, and the costs in the new and changed ones.

Unchanged files are not read again, and of the deliveries of a billing period only the newest counts. Reading one file
is `model.infrastructure`'s job, grouping files into deliveries `infrastructure_deliveries`', and replacing the days of
changed and vanished files `warehouse.infrastructure`'s.
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
    """The files that a source has now: the `unchanged` ones, and those that were `read`, with their costs.

    `facts` maps each path to what was noticed in the file. `superseded` is the number of files that do not count,
    since newer deliveries hold their billing periods. `remarks` are sentences for the user.
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
    """Why a source could not be read; its costs from earlier readings stay."""

    source: str
    error: CircleciCostError


def read_sources(
    sources: Sequence[Infrastructure],
    known: Mapping[str, Mapping[str, KnownFile]],
    resolve: Callable[[Path], Path],
    folder: Path,
    state: InfrastructureState | None = None,
) -> list[SourceFiles | SourceProblem]:
    """Read the files that are new or changed compared with `known` [source → path]; an error stops its own source only.

    `state` is what the last reading noticed: a file without an entry there is read again. `resolve` makes relative
    paths absolute; copies of files in object stores are kept in `folder` while they are read.
    """
    results: list[SourceFiles | SourceProblem] = []
    for source in sources:
        try:
            before = known.get(source.name, {})
            results.append(read_source(source, before, resolve, folder, state or InfrastructureState()))
        except CircleciCostError as error:
            results.append(SourceProblem(source.name, error))
    return results


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
    selection = counting_files(source, resolve, state)
    reading = Reading(source, known, state.files.get(source.name, {}), folder)
    looked_at = [reading.look(file) for file in selection.counting]
    without = _replaced_periods(selection.deliveries, {look.file.name: look.facts for look in looked_at})
    files = [reading.unread(file) for file in selection.superseded]
    files += [reading.finish(look, without.get(look.file.name, frozenset())) for look in looked_at]
    result = SourceFiles(
        source=source,
        unchanged=tuple(file.known for file in files if file.costs is None),
        read=tuple((file.known, file.costs) for file in files if file.costs is not None),
        rates=rates,
        rates_file=rates_file,
        facts={file.known.path: file.seen for file in files},
        manifests={manifest.name: manifest for manifest in selection.manifests},
        superseded=sum(file.seen.superseded for file in files),
        remarks=(
            *remarks_on(file.seen.counted for file in files if not file.seen.superseded),
            *selection.remarks,
        ),
    )
    _refuse_copies(result.present)
    return result


@dataclass(frozen=True)
class CountingFiles:
    """The files of a source, judged by paths and manifests alone: those that count, and those that are superseded."""

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
    """Tell the counting files of a source from the superseded ones without reading them.

    Raises as `find_files` and `deliveries_of`.
    """
    known = state.manifests.get(source.name, {})
    files = source_files(source, resolve)
    manifests = (
        manifests_beside(source.files, resolve, known, needed=source.deliveries == "manifest")
        if may_need_manifests(source, files)
        else []
    )
    deliveries = deliveries_of(source, files, manifests)
    replaced = _replaced_by_path(deliveries)
    return CountingFiles(
        tuple(file for file in files if file.name not in replaced),
        tuple(file for file in files if file.name in replaced),
        deliveries,
        tuple(manifests),
    )


def source_files(source: Infrastructure, resolve: Callable[[Path], Path]) -> list[FoundFile]:
    """Find the files that match any pattern of a source, each once, by name. Raises what `find_files` raises."""
    by_name = {file.name: file for pattern in source.files for file in find_files(pattern, resolve)}
    return [by_name[name] for name in sorted(by_name)]


def _replaced_by_path(deliveries: Deliveries) -> set[str]:
    """The names of files that need no reading: in superseded whole deliveries, in unfinished ones, and leftovers."""
    whole: dict[str, list[Delivery]] = {}
    for delivery in deliveries.of.values():
        if delivery.whole:
            whole.setdefault(delivery.stream, []).append(delivery)
    newest = {stream: deliveries.newest(candidates) for stream, candidates in whole.items()}
    replaced = {
        name
        for name, delivery in deliveries.of.items()
        if not delivery.finished or (delivery.whole and delivery != newest[delivery.stream])
    }
    return replaced | deliveries.unlisted


def _replaced_periods(deliveries: Deliveries, facts: Mapping[str, FileFacts]) -> dict[str, frozenset[date]]:
    """Map each file to those of its billing periods that a newer delivery of its stream holds, too."""
    holders: dict[tuple[str, date], list[Delivery]] = {}
    for name, fact in facts.items():
        delivery = deliveries.of.get(name)
        if delivery is not None and not delivery.whole:
            for period in fact.periods:
                holders.setdefault((delivery.stream, period), []).append(delivery)
    newest = {key: deliveries.newest(candidates) for key, candidates in holders.items()}
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
