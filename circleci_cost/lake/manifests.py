"""Landed exports: each has one `manifest.json` beside its parts. It is written last, so it makes the export land.

Which manifests a day's job runs come from is decided here; reading the parts is `model`'s job.
"""

import io
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.days import days_between
from circleci_cost.errors import StorageError
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import texts_of

MANIFEST = "manifest.json"
REFUSED = "refused.json"
DISBELIEVED = "disbelieved.json"
_PARTS = "part-*.csv.gz"
# Its parts may be the only copy: CircleCI serves 13 months, and nobody else may have the imported files.
WITHOUT_BACKUP = (
    "without one, move its directory out of exports (keep it), then import its parts with `circleci-cost import`, or "
    "materialize usage_exports for these days again where CircleCI still serves them."
)


class Part(BaseModel):
    """One file of an export, as received (an imported plain CSV is compressed)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bytes: int
    sha256: str
    uncompressed_bytes: int
    lines: int


class Manifest(BaseModel):
    """One landed export: where it came from, the days it covers, every part. Never a signed URL.

    `complete` says that the export holds every job of its days (an export job does; files given
    by hand may be some of the parts). `exported_at` orders exports: the last one wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    cost_center: str
    source: Literal["usage_export_job", "import"]
    complete: bool
    export_id: str
    organization_id: str
    shared_organization_ids: tuple[str, ...]
    first_day: date
    last_day: date
    requested_at: datetime
    exported_at: datetime
    url_count: int
    parts: tuple[Part, ...]

    @property
    def organizations(self) -> frozenset[str]:
        """The ids of the organizations whose usage was asked for, in lower case."""
        return frozenset(
            organization_id.lower() for organization_id in (self.organization_id, *self.shared_organization_ids)
        )


class LandedExport(BaseModel):
    """A manifest with its directory, and the days for which it does not count."""

    model_config = ConfigDict(frozen=True)

    directory: Path
    manifest: Manifest
    # Days of its window for which it does not count: see `disbelieve`.
    disbelieved: frozenset[date] = frozenset()

    def part_paths(self) -> list[Path]:
        """The files of the export, in the manifest's order."""
        return [self.directory / part.name for part in self.manifest.parts]


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Publish an export: from this rename on its parts count. Parts of its predecessor are removed, nothing else."""
    write_atomic(directory / MANIFEST, manifest.model_dump_json(indent=2).encode())
    part_names = {part.name for part in manifest.parts}
    for path in directory.glob(_PARTS):
        if path.name not in part_names:
            path.unlink(missing_ok=True)
    for former in (REFUSED, DISBELIEVED):
        (directory / former).unlink(missing_ok=True)


def set_aside(export: LandedExport) -> None:
    """Stop counting an export of CircleCI whose content cannot be read: its days are fetched again.

    Its files stay until another export of the same days lands. Imported files have no other source and still count.
    """
    if export.manifest.source != "import" and not was_replaced(export):
        (export.directory / MANIFEST).replace(export.directory / REFUSED)


def disbelieve(export: LandedExport, days: Iterable[date]) -> None:
    """Stop counting an export for some of its days: their job runs stay as they are, and the days are fetched again."""
    named = sorted({*export.disbelieved, *days})
    write_atomic(export.directory / DISBELIEVED, json.dumps([day.isoformat() for day in named]).encode())


def read_manifest(directory: Path) -> Manifest:
    """Read one manifest. Raises `StorageError` where it is not what this version wrote."""
    path = directory / MANIFEST
    return _manifest(path, _text(path))


def _text(source: Path | io.BytesIO) -> str:
    content = source.getvalue() if isinstance(source, io.BytesIO) else source.read_bytes()
    # What is no UTF-8 is for the reader of the text to refuse.
    return content.decode("utf-8", "surrogateescape")


def _manifest(path: Path, text: str) -> Manifest:
    try:
        return Manifest.model_validate_json(text.encode("utf-8", "surrogateescape"))
    except (ValidationError, json.JSONDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise StorageError(
            f"{path} is not a manifest of this version ({where}: {first['msg']}); restore it from a backup; "
            f"{WITHOUT_BACKUP}"
        ) from error


def _days(path: Path, text: str) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(day) for day in json.loads(text))
    except (ValueError, TypeError) as error:
        raise StorageError(f"{path} is not a list of days; move it away, and they are judged anew.") from error


def landed_exports(lake: Lake, cost_center: str) -> list[LandedExport]:
    """All landed exports of a cost center, the oldest export first. Raises `StorageError` as `read_export` does."""
    manifests = list(lake.exports(cost_center).glob(f"*/{MANIFEST}"))
    disbelieved = [path.parent / DISBELIEVED for path in manifests]
    texts = texts_of(f"manifests of {cost_center}", [*manifests, *disbelieved], _text)
    return in_order(
        _export(path.parent, text, days)
        for path, text, days in zip(manifests, texts[: len(manifests)], texts[len(manifests) :], strict=True)
        if text is not None  # somebody has just moved it away
    )


def in_order(exports: Iterable[LandedExport]) -> list[LandedExport]:
    """Exports in the order in which they count, the oldest first."""
    return sorted(exports, key=lambda export: (export.manifest.exported_at, export.manifest.export_id))


def read_export(directory: Path) -> LandedExport:
    """The landed export in a directory. Raises `StorageError` for a manifest that is not readable."""
    manifest, disbelieved = _text(directory / MANIFEST), None
    with suppress(FileNotFoundError):
        disbelieved = _text(directory / DISBELIEVED)
    return _export(directory, manifest, disbelieved)


def _export(directory: Path, manifest: str, disbelieved: str | None) -> LandedExport:
    return LandedExport(
        directory=directory,
        manifest=_manifest(directory / MANIFEST, manifest),
        disbelieved=frozenset() if disbelieved is None else _days(directory / DISBELIEVED, disbelieved),
    )


def was_replaced(export: LandedExport) -> bool:
    """Whether this export was replaced or removed since its manifest was read."""
    try:
        return read_manifest(export.directory) != export.manifest
    except FileNotFoundError:
        return True


def exports_by_day(exports: Iterable[LandedExport]) -> dict[date, list[LandedExport]]:
    """The exports that each day's job runs come from, the oldest first; `exports` must be ordered so.

    That is the last complete export that covers the day, and whatever was imported after it: an
    import adds or replaces jobs and removes none, because it may hold only some of the parts.
    """
    chosen: dict[date, list[LandedExport]] = {}
    for export in exports:
        for day in days_between(export.manifest.first_day, export.manifest.last_day):
            if day in export.disbelieved:
                continue
            if export.manifest.complete:
                chosen[day] = [export]
            else:
                chosen.setdefault(day, []).append(export)
    return chosen
