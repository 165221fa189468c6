"""Landed exports made by hand, ingested into a real lake below a temporary directory."""

import gzip
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from circleci_cost.lake.days import read_day
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.ingest import IngestReport, ingest_days
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import Manifest, Part, write_manifest
from circleci_cost_tests.model.usage.builders import ORGANIZATION, Record, job_id, unquoted

CENTER = "acme"
FIRST = date(2026, 10, 1)
EXPORTED = datetime(2026, 11, 1, 11, tzinfo=UTC)


def day(number: int) -> date:
    """A day of October 2026."""
    return date(2026, 10, number)


def days(first: int, last: int) -> list[date]:
    """Days of October 2026, both ends included."""
    return [day(number) for number in range(first, last + 1)]


def land(
    lake: Lake,
    parts: Sequence[bytes],
    first: date = FIRST,
    last: date = FIRST,
    *,
    export_id: str = "export-1",
    hours: float = 0,
    complete: bool = True,
) -> Path:
    """Land an export that was made some hours after `EXPORTED`; its directory."""
    directory = lake.export(CENTER, first, last) if complete else lake.imported(CENTER, first, last, export_id)
    directory.mkdir(parents=True, exist_ok=True)
    named = []
    for index, content in enumerate(parts):
        name = f"part-{export_id}-{index:04d}.csv.gz"
        data = gzip.compress(content, 1, mtime=0)
        write_atomic(directory / name, data)
        named.append(Part(name=name, bytes=len(data), sha256="0" * 64, uncompressed_bytes=len(content), lines=1))
    at = EXPORTED + timedelta(hours=hours)
    manifest = Manifest(
        cost_center=CENTER,
        source="usage_export_job" if complete else "import",
        complete=complete,
        export_id=export_id,
        organization_id=ORGANIZATION,
        shared_organization_ids=(),
        first_day=first,
        last_day=last,
        requested_at=at,
        exported_at=at,
        url_count=len(parts),
        parts=tuple(named),
    )
    write_manifest(directory, manifest)
    return directory


def land_rows(lake: Lake, rows: Iterable[Record], first: date = FIRST, last: date = FIRST, **options: object) -> Path:
    """Land an export of one part."""
    return land(lake, [unquoted(rows)], first, last, **options)  # type: ignore[arg-type]


def ingest(
    lake: Lake, wanted: Sequence[date] = (FIRST,), *, rows_in_memory: int = 1000, hours: float = 100
) -> IngestReport:
    """Ingest days, some hours after `EXPORTED`."""
    at = EXPORTED + timedelta(hours=hours)
    return ingest_days(lake, CENTER, [ORGANIZATION], wanted, ingested_at=at, rows_in_memory=rows_in_memory)


def contents(lake: Lake) -> dict[Path, bytes]:
    """Every file below the lake's root, to show that nothing changed."""
    return {path: path.read_bytes() for path in sorted(lake.root.rglob("*")) if path.is_file()}


def stored(lake: Lake, of: date = FIRST) -> pl.DataFrame:
    """The rows of a day, names as text."""
    stored_day = read_day(lake, CENTER, of)
    assert stored_day is not None
    return stored_day.rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


def jobs(lake: Lake, *wanted: date) -> dict[date, dict[str, int]]:
    """Each day's jobs by id, with their credits."""
    return {of: dict(stored(lake, of).select("job_id", pl.col("total_credits").cast(pl.Int64)).rows()) for of in wanted}


def of(**credits: int) -> dict[str, int]:
    """What `jobs` returns for one day: `of(j1=42)`."""
    return {job_id(int(name[1:])): value for name, value in credits.items()}
