"""Rows of a window, kept by day while its parts are read: in memory while few, else in temporary files.

So memory stays flat however many parts and jobs a window has. Rules over the rows are in `model.job_runs`.
"""

import shutil
import time
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from circleci_cost.lake.files import storage_errors

ROWS_IN_MEMORY = 300_000
_ABANDONED_AFTER_SECONDS = 24 * 3600


class DaySpill:
    """Collects frames with `job_run_date`, `job_id` and `precedence`, and gives them back day by day."""

    def __init__(self, directory: Path, precedence: str, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._directory = directory
        self._precedence = precedence
        self._rows_in_memory = rows_in_memory
        self._buffer: list[pl.DataFrame] = []
        self._buffered = 0
        self._files: dict[date, list[Path]] = {}
        self._keys: list[pl.DataFrame] = []
        self._superseded: dict[date, pl.DataFrame] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Keep rows; past the memory's share, all that is buffered goes to disk."""
        if rows.is_empty():
            return
        self._buffer.append(rows)
        self._buffered += rows.height
        self._keys.append(_keys(rows, self._precedence))
        if self._buffered >= self._rows_in_memory:
            self._flush()

    def _flush(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        chunk = pl.concat(self._buffer)
        self._buffer, self._buffered = [], 0
        for (day,), rows in chunk.partition_by("job_run_date", as_dict=True).items():
            path = self._directory / f"{day}-{len(self._files.get(day, []))}.arrow"
            with storage_errors(path):
                rows.write_ipc(path, compression="lz4")
            self._files.setdefault(day, []).append(path)

    def settle(self) -> int:
        """After the last `add`: find jobs that stand on several days; return how many rows lose.

        The latest export's row wins, then the later day's. Keys are 128 bits of two independent hashes.
        """
        if not self._keys:
            return 0
        keys = pl.concat(self._keys)
        self._keys = []
        repeated = keys.filter(pl.struct("key_1", "key_2").is_duplicated())
        if repeated.is_empty():
            return 0
        winner = repeated.sort(self._precedence, "job_run_date", descending=True).unique(
            ["key_1", "key_2"], keep="first", maintain_order=True
        )
        losers = repeated.join(winner, on=["key_1", "key_2", "job_run_date"], how="anti").unique(
            ["key_1", "key_2", "job_run_date"]
        )
        self._superseded = {
            day: rows for (day,), rows in losers.partition_by("job_run_date", as_dict=True).items()
        }
        return losers.height

    def day(self, day: date) -> pl.DataFrame | None:
        """All rows of a day less those that another day's row supersedes; None where there are none."""
        frames = [frame for frame in self._of_day(day) if frame.height]
        if not frames:
            return None
        rows = pl.concat(frames)
        losers = self._superseded.get(day)
        if losers is None:
            return rows
        keys = _keys(rows, self._precedence).with_row_index("row")
        kept = keys.join(losers, on=["key_1", "key_2"], how="anti").get_column("row")
        return rows[kept.sort()]

    def _of_day(self, day: date) -> list[pl.DataFrame]:
        spilled = [pl.read_ipc(path) for path in self._files.get(day, [])]
        return spilled + [rows.filter(pl.col("job_run_date") == day) for rows in self._buffer]


def remove_abandoned_spills(parent: Path) -> None:
    """Remove what killed processes left: no ingest is at work on one window for a day."""
    if parent.is_dir():
        for directory in parent.iterdir():
            if time.time() - directory.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                shutil.rmtree(directory, ignore_errors=True)


def _keys(rows: pl.DataFrame, precedence: str) -> pl.DataFrame:
    job_id = pl.col("job_id")
    return rows.select("job_run_date", precedence, key_1=job_id.hash(seed=1), key_2=job_id.hash(seed=2))
