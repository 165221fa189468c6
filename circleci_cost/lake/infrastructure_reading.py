"""Reading the files of a source one by one: what is known of a file is taken, what is not is read.

Which files there are, and which of their billing periods count, is the business of `infrastructure`.
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

# Read as nothing at all: a newer delivery holds what the file does.
_SUPERSEDED = "superseded"


@dataclass(frozen=True)
class KnownFile:
    """A file as it was read last. `version` is the store's word for its content, `read_as` the hash of the reading.

    `read_as` names the billing periods, too, that did not count. `first` stays that of all charges of the file, so
    that what it once held is replaced.
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
    """A file as it counts now; `costs` (`COSTS_SCHEMA`) are None where they are what they were before."""

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
        """Read a file, unless it is known. Raises as `local_copy` and `read_costs` do."""
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
                f"{file.name} held {before.rows} rows of costs and now holds none; export it again, or remove the file "
                "if that is right. Nothing of this file was used."
            )
        return LookedAt(file, costs.facts, sha256, None, costs)

    def finish(self, looked_at: LookedAt, without: Collection[date]) -> ReadFile:
        """A file without the billing periods that a newer delivery holds; read again where these have changed."""
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
        kept = costs.without(without)
        known = KnownFile(
            path=file.name,
            sha256=looked_at.sha256,
            version=file.version,
            read_as=read_as,
            rows=kept.rows,
            left_out=kept.left_out,
            spread=kept.spread,
            first=costs.first,
            last=kept.last,
        )
        return ReadFile(known, seen, kept.costs)

    def unread(self, file: FoundFile) -> ReadFile:
        """A file that does not count at all: it is not even looked into."""
        seen = SeenFile(sha256="", read_as=_SUPERSEDED, facts=FileFacts(), unread=True)
        before = self.known.get(file.name)
        if before is not None and before.read_as == _SUPERSEDED:
            return ReadFile(replace(before, version=file.version), seen, None)
        first = before.first if before else None
        known = KnownFile(file.name, "", file.version, _SUPERSEDED, 0, 0, 0, first, None)
        return ReadFile(known, seen, pl.DataFrame(schema=COSTS_SCHEMA))


def _base(known: KnownFile) -> str:
    return known.read_as.partition(":")[0]
