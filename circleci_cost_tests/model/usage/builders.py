"""Builds usage exports for tests: valid records with the test's changes, in either dialect, as a file."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage.normalize import normalize
from circleci_cost.model.usage.records import BLOCK_BYTES, read_records
from circleci_cost.model.usage.schema import EXPORT_COLUMNS

COLUMNS = tuple(column.source for column in EXPORT_COLUMNS)
ORGANIZATION = "b9291e0d-a11e-41fb-8517-c545388b5953"
PROJECT = "1f8a6a3e-2f0f-4a0c-9d1b-0c6f9f2a7b11"
DIALECTS = ("unquoted", "quoted")
PART = "part-0000.csv.gz"
OUTCOME = (
    "Nothing of this export was used; fetch or export it again, and if it comes back the same, report it to CircleCI."
)

Record = dict[str, str | None]

_RECORD: Record = {
    "ORGANIZATION_ID": ORGANIZATION,
    "ORGANIZATION_NAME": "acme",
    "ORGANIZATION_CREATED_DATE": "2020-01-31",
    "PROJECT_ID": PROJECT,
    "PROJECT_NAME": "shop",
    "PROJECT_CREATED_DATE": "2021-02-28",
    "LAST_BUILD_FINISHED_AT": "2026-10-02 08:00:00.000",
    "VCS_NAME": "github",
    "VCS_URL": "https://github.com/acme/shop",
    "VCS_BRANCH": "main",
    "PIPELINE_ID": "5f0c4f0e-6b1a-4a56-8f5e-0e6d6f9f1c01",
    "PIPELINE_CREATED_AT": "2026-10-01 09:59:58.123",
    "PIPELINE_NUMBER": "17",
    "IS_UNREGISTERED_USER": "false",
    "PIPELINE_TRIGGER_SOURCE": "webhook",
    "PIPELINE_TRIGGER_USER_ID": "0a5b9e49-c23d-443b-9764-7ecbe86dec5a",
    "WORKFLOW_ID": "7c0c4f0e-6b1a-4a56-8f5e-0e6d6f9f1c02",
    "WORKFLOW_NAME": "build",
    "WORKFLOW_FIRST_JOB_QUEUED_AT": "2026-10-01 10:00:00.000",
    "WORKFLOW_FIRST_JOB_STARTED_AT": "2026-10-01 10:00:01.000",
    "WORKFLOW_STOPPED_AT": "2026-10-01 10:05:00.000",
    "IS_WORKFLOW_SUCCESSFUL": "true",
    "JOB_NAME": "test",
    "JOB_RUN_NUMBER": "4711",
    "JOB_ID": None,
    "JOB_RUN_DATE": "2026-10-01",
    "JOB_RUN_QUEUED_AT": "2026-10-01 10:00:00.000",
    "JOB_RUN_STARTED_AT": "2026-10-01 10:00:02.000",
    "JOB_RUN_STOPPED_AT": "2026-10-01 10:04:02.000",
    "JOB_BUILD_STATUS": "success",
    "RESOURCE_CLASS": "medium",
    "OPERATING_SYSTEM": "linux",
    "EXECUTOR": "docker",
    "PARALLELISM": "1",
    "JOB_RUN_SECONDS": "240",
    "MEDIAN_CPU_UTILIZATION_PCT": "12",
    "MAX_CPU_UTILIZATION_PCT": "99.5",
    "MEDIAN_RAM_UTILIZATION_PCT": "2",
    "MAX_RAM_UTILIZATION_PCT": None,
    "COMPUTE_CREDITS": "40",
    "DLC_CREDITS": "0",
    "USER_CREDITS": "0",
    "STORAGE_CREDITS": "2",
    "NETWORK_CREDITS": "0",
    "LEASE_CREDITS": "0",
    "LEASE_OVERAGE_CREDITS": "0",
    "IPRANGES_CREDITS": "0",
    "TOTAL_CREDITS": "42",
}


def job_id(number: int) -> str:
    """A job's UUID."""
    return f"00000000-0000-4000-8000-{number:012x}"


def record(number: int = 1, **changes: str | None) -> Record:
    """One valid record, 42 credits on 2026-10-01; `changes` by column name."""
    return {**_RECORD, "JOB_ID": job_id(number), **changes}


def records(count: int, **changes: str | None) -> list[Record]:
    """Some valid records of different jobs."""
    return [record(number, **changes) for number in range(1, count + 1)]


def unquoted(rows: Iterable[Mapping[str, str | None]], columns: Sequence[str] = COLUMNS, null: str = r"\\N") -> bytes:
    """The dialect without quotes: backslash escapes, LF."""

    def escape(value: str | None) -> str:
        if value is None:
            return null
        return value.replace("\\", "\\\\").replace(",", "\\,").replace("\n", "\\\n")

    lines = [",".join(columns), *(",".join(escape(row[name]) for name in columns) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def quoted(
    rows: Iterable[Mapping[str, str | None]],
    columns: Sequence[str] = COLUMNS,
    null: str = r"\N",
    line_end: str = "\r\n",
) -> bytes:
    """The dialect in which every value is quoted, as Python's csv module writes it."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator=line_end)
    writer.writerow(columns)
    writer.writerows([null if row[name] is None else row[name] for name in columns] for row in rows)
    return sink.getvalue().encode()


def written(dialect: str, rows: Iterable[Mapping[str, str | None]], columns: Sequence[str] = COLUMNS) -> bytes:
    """A file's content in one of `DIALECTS`."""
    return unquoted(rows, columns) if dialect == "unquoted" else quoted(rows, columns)


def put(folder: Path, content: bytes, name: str = PART) -> Path:
    """Write a part."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.compress(content, 1))
    return path


def read(path: Path, block_bytes: int = BLOCK_BYTES) -> pl.DataFrame:
    """All rows of a part, typed, with names as text."""
    rows = pl.concat([normalize(block) for block in read_records(path, block_bytes)])
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


def read_content(folder: Path, content: bytes, block_bytes: int = BLOCK_BYTES) -> pl.DataFrame:
    """Write a part and read it."""
    return read(put(folder, content), block_bytes)


def refusal(folder: Path, content: bytes, block_bytes: int = BLOCK_BYTES) -> str:
    """Why a part is refused: the message without its second sentence, which is always the same."""
    path = put(folder, content)
    with pytest.raises(ExportDataError) as refused:
        read(path, block_bytes)
    message, _, outcome = str(refused.value).partition(". Nothing ")
    assert f"Nothing {outcome}" == OUTCOME
    return message
