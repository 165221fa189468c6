"""Reads the files of a source one by one, and reuses what is known of unchanged ones.

Which files there are, and which of their billing periods count, is decided in `infrastructure`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from circleci_cost.errors import ExportDataError
from circleci_cost.lake.infrastructure_state import SeenFile
from circleci_cost.lake.remote_files import FoundFile, changed, local_copy
from circleci_cost.model.infrastructure.cost_files import COSTS_SCHEMA, FileCosts, read_costs, reading_hash
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost.model.infrastructure.facts import FileFacts
from circleci_cost.text.units import counted

# The `read_as` of a file that is not read, since a newer delivery holds what it does.
_SUPERSEDED = "superseded"


@dataclass(frozen=True)
class KnownFile:
    """A file as it was read last. `version` is the store's id of its content, `read_as` a hash of how it was read.

    `read_as` also names the billing periods that did not count. `first` is the first day of all charges of the file,
    counted or not, so that what it once held is replaced.
    """

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
class LookedAt:
    """A file whose facts are known: because it is `unchanged`, or because it was `read` (with its SHA-256)."""

    file: FoundFile
    facts: FileFacts
    sha256: str
    unchanged: KnownFile | None
    read: FileCosts | None


@dataclass(frozen=True)
class ReadFile:
    """A file as it counts now; `costs` (`COSTS_SCHEMA`) are None where they have not changed."""

    known: KnownFile
    seen: SeenFile
    costs: pl.DataFrame | None


@dataclass(frozen=True)
class Reading:
    """Reads files as `source` says; `known` and `seen` are what was read and noticed before, by path."""

    source: Infrastructure
    known: Mapping[str, KnownFile]
    seen: Mapping[str, SeenFile]
    folder: Path

    def look(self, file: FoundFile) -> LookedAt:
        """Read a file unless it is unchanged. Raises as `local_copy` and `read_costs` do."""
        before, noticed = self.known.get(file.name), self.seen.get(file.name)
        comparable = before is not None and _base(before) == reading_hash(self.source)
        facts = noticed.facts if noticed and before and noticed.is_of(before.sha256, _base(before)) else None
        if before is not None and comparable and facts is not None and file.version == before.version != "":
            return LookedAt(file, facts, before.sha256, before, None)
        with local_copy(file, self.folder) as (path, sha256):
            if before is not None and comparable and facts is not None and sha256 == before.sha256:
                return LookedAt(file, facts, sha256, before, None)
            costs = read_costs(path, self.source, file.name)
        if before is not None and before.rows and not costs.rows:
            raise ExportDataError(
                f"{file.name} held {counted(before.rows, 'row')} of costs and now holds none; export it again, or "
                "remove the file if that is right. Nothing of this file was used."
            )
        return LookedAt(file, costs.facts, sha256, None, costs)

    def finish(self, looked_at: LookedAt, without: Collection[date]) -> ReadFile:
        """Leave out the billing periods that a newer delivery holds; the file is read again where they changed."""
        base = reading_hash(self.source)
        read_as = ":".join((base, *(f"{period}" for period in sorted(without))))
        seen = SeenFile(
            sha256=looked_at.sha256,
            read_as=base,
            facts=looked_at.facts,
            without=tuple(sorted(without)),
        )
        before, file, costs = looked_at.unchanged, looked_at.file, looked_at.read
        if before is not None and before.read_as == read_as:
            return ReadFile(replace(before, version=file.version), seen, None)
        if costs is None:
            with local_copy(file, self.folder) as (path, sha256):
                if sha256 != looked_at.sha256:
                    raise changed(file)
                costs = read_costs(path, self.source, file.name)
        remaining = costs.without(without)
        current = KnownFile(
            path=file.name,
            sha256=looked_at.sha256,
            version=file.version,
            read_as=read_as,
            rows=remaining.rows,
            left_out=remaining.left_out,
            spread=remaining.spread,
            first=costs.first,
            last=remaining.last,
        )
        return ReadFile(current, seen, remaining.costs)

    def unread(self, file: FoundFile) -> ReadFile:
        """Record a file that does not count at all, without reading it."""
        seen = SeenFile(sha256="", read_as=_SUPERSEDED, facts=FileFacts(), unread=True)
        before = self.known.get(file.name)
        if before is not None and before.read_as == _SUPERSEDED:
            return ReadFile(replace(before, version=file.version), seen, None)
        first = before.first if before else None
        current = KnownFile(file.name, "", file.version, _SUPERSEDED, 0, 0, 0, first, None)
        return ReadFile(current, seen, pl.DataFrame(schema=COSTS_SCHEMA))


def _base(known: KnownFile) -> str:
    return known.read_as.partition(":")[0]
