"""Which files of a source of infrastructure costs there are, and what the new and changed ones of them hold.

Unchanged files are not read again. How a file is read is `model.infrastructure`'s business, and what becomes of the
days of changed and vanished files is `warehouse.infrastructure`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from circleci_cost.errors import CircleciCostError, ExportDataError
from circleci_cost.lake.remote_files import FoundFile, find_files, local_copy
from circleci_cost.model.infrastructure import read_costs, reading_hash
from circleci_cost.model.infrastructure_rates import RATES_SCHEMA, read_rates
from circleci_cost.sections.infrastructure import Infrastructure


@dataclass(frozen=True)
class KnownFile:
    """A file as it was read last. `version` is the store's word for its content, `read_as` the hash of the reading."""

    path: str
    sha256: str
    version: str
    read_as: str
    rows: int
    left_out: int
    spread: int
    first: date | None
    last: date | None


@dataclass(frozen=True)
class SourceFiles:
    """The files of a source that are there now: `unchanged` ones, and the costs of those that were `read`."""

    source: Infrastructure
    unchanged: tuple[KnownFile, ...]
    read: tuple[tuple[KnownFile, pl.DataFrame], ...]
    rates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RATES_SCHEMA))
    rates_file: Path | None = None

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
) -> list[SourceFiles | SourceProblem]:
    """Read what is new or has changed since `known` [source → path]; a mistake stops its own source only.

    `resolve` makes relative paths absolute; copies of files in object stores are kept in `folder` while they are read.
    """
    found: list[SourceFiles | SourceProblem] = []
    for source in sources:
        try:
            found.append(read_source(source, known.get(source.name, {}), resolve, folder))
        except CircleciCostError as error:
            found.append(SourceProblem(source.name, error))
    return found


def read_source(
    source: Infrastructure, known: Mapping[str, KnownFile], resolve: Callable[[Path], Path], folder: Path
) -> SourceFiles:
    """Read one source. Raises what `find_files`, `local_copy`, `read_costs` and `read_rates` raise."""
    rates_file = resolve(source.rates) if source.rates else None
    rates = read_rates(rates_file) if rates_file else pl.DataFrame(schema=RATES_SCHEMA)
    unchanged: list[KnownFile] = []
    read: list[tuple[KnownFile, pl.DataFrame]] = []
    for file in source_files(source, resolve):
        before = known.get(file.name)
        made = _read_if_changed(file, before, source, folder)
        if isinstance(made, KnownFile):
            unchanged.append(made)
        else:
            read.append(made)
    files = SourceFiles(source, tuple(unchanged), tuple(read), rates, rates_file)
    _refuse_copies(files.present)
    return files


def source_files(source: Infrastructure, resolve: Callable[[Path], Path]) -> list[FoundFile]:
    """The files that fit any pattern of a source, each once, by name. Raises what `find_files` raises."""
    by_name = {file.name: file for pattern in source.files for file in find_files(pattern, resolve)}
    return [by_name[name] for name in sorted(by_name)]


def _read_if_changed(
    file: FoundFile, before: KnownFile | None, source: Infrastructure, folder: Path
) -> KnownFile | tuple[KnownFile, pl.DataFrame]:
    read_as = reading_hash(source)
    comparable = before is not None and before.read_as == read_as
    if before is not None and comparable and file.version and file.version == before.version:
        return before
    with local_copy(file, folder) as (path, sha256):
        if before is not None and comparable and sha256 == before.sha256:
            return replace(before, version=file.version)
        costs = read_costs(path, source, file.name)
    if before is not None and before.rows and not costs.rows:
        raise ExportDataError(
            f"{file.name} held {before.rows} rows of costs and now holds none; export it again, or remove the file if "
            "that is right. Nothing of this file was used."
        )
    made = KnownFile(
        path=file.name,
        sha256=sha256,
        version=file.version,
        read_as=read_as,
        rows=costs.rows,
        left_out=costs.left_out,
        spread=costs.spread,
        first=costs.first,
        last=costs.last,
    )
    return made, costs.costs


def _refuse_copies(files: Sequence[KnownFile]) -> None:
    by_content: dict[str, str] = {}
    for file in files:
        if file.rows and file.sha256 in by_content:
            raise ExportDataError(
                f"{file.path} has the same content as {by_content[file.sha256]}, and its costs would count twice; "
                "remove one of them, or narrow the files of [[infrastructure]]. Nothing of this source was used."
            )
        by_content[file.sha256] = file.path
