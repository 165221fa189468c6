"""Rows of a window, kept by day while its parts are read: in memory while they are few, else in temporary files.

So memory stays flat however many parts and jobs a window has. Jobs that stand on several days are found here, too,
by key alone. Other rules over the rows are in `model.usage.job_runs`.
"""

import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from circleci_cost.clock import file_age
from circleci_cost.lake.files import storage_errors
from circleci_cost.model.usage.job_runs import PRECEDENCE

ROWS_IN_MEMORY = 700_000
# Days are given back together up to so many rows: a small day alone would cost more calls than work.
_ROWS_AT_ONCE = 100_000
_ABANDONED_AFTER_SECONDS = 24 * 3600
_KEY = ("key_1", "key_2")
_NAME = re.compile(r"[0-9a-f]{32}")


class DaySpill:
    """Collects frames with `job_run_date`, `job_id` and `export_precedence`, and gives them back by days."""

    def __init__(self, directory: Path, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._directory = directory
        self._rows_in_memory = rows_in_memory
        self._buffer: list[pl.DataFrame] = []
        self._buffered = 0
        self._files: dict[date, list[Path]] = {}
        self._keys: list[pl.DataFrame] = []
        self._superseded: dict[date, pl.DataFrame] = {}
        self._rows: Counter[date] = Counter()
        self.each_job_once = False

    @property
    def days(self) -> list[date]:
        """The days that rows were added of, in order."""
        return sorted(self._rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def add(self, rows: pl.DataFrame, keys: pl.DataFrame) -> None:
        """Add rows with their `job_keys`; when `rows_in_memory` is reached, all buffered rows go to disk."""
        if rows.is_empty():
            return
        self._buffer.append(rows)
        self._buffered += rows.height
        self._keys.append(keys)
        self._rows.update(dict(rows.group_by("job_run_date").len().iter_rows()))
        if self._buffered >= self._rows_in_memory:
            self._flush()

    def _flush(self) -> None:
        chunk = pl.concat(self._buffer, how="vertical_relaxed")
        self._buffer, self._buffered = [], 0
        for day, rows in _by_day(chunk).items():
            path = self._directory / f"{day}-{len(self._files.get(day, []))}.arrow"
            with storage_errors(path):
                self._directory.mkdir(parents=True, exist_ok=True)
                rows.write_ipc(path, compression="lz4")
            self._files.setdefault(day, []).append(path)

    def settle(self, published: Mapping[date, pl.DataFrame]) -> dict[date, pl.DataFrame]:
        """After the last `add`: let each job stand on one day only. The latest export's row wins, then the later day's.

        `published` holds the `job_keys` of days beside the window, which compete but are not collected here. Returns
        the keys that lost there, with the `winner` export's precedence; rows that lost in the window are left out of
        `day`.
        """
        keys = pl.concat([*self._keys, *published.values()]) if self._keys else pl.DataFrame()
        self._keys = []
        # If no value of the first hash repeats, no job does; only otherwise are both hashes compared.
        self.each_job_once = keys.is_empty() or keys.get_column(_KEY[0]).n_unique() == keys.height
        if self.each_job_once:
            return {}
        repeated = keys.filter(pl.struct(_KEY).is_duplicated())
        winners = (
            repeated.sort(PRECEDENCE, "job_run_date", descending=True)
            .unique(_KEY, keep="first", maintain_order=True)
            .rename({PRECEDENCE: "winner"})
        )
        losers = (
            repeated.join(winners, on=[*_KEY, "job_run_date"], how="anti")
            .join(winners.drop("job_run_date"), on=_KEY)
            .unique([*_KEY, "job_run_date"])
        )
        lost = _by_day(losers)
        self._superseded = {day: rows for day, rows in lost.items() if day not in published}
        return {day: rows for day, rows in lost.items() if day in published}

    def by_days(self) -> Iterator[tuple[list[date], pl.DataFrame]]:
        """After `settle`: some days at a time, in order, with all their rows that no other day's row supersedes."""
        in_memory = pl.concat(self._buffer, how="vertical_relaxed") if self._buffer else None
        self._buffer = []
        for days in self._days_at_once():
            with storage_errors(self._directory, "read"):
                frames = [pl.read_ipc(path) for day in days for path in self._files.get(day, [])]
            if in_memory is not None:
                frames.append(in_memory.filter(pl.col("job_run_date").is_between(days[0], days[-1])))
            rows = pl.concat(frames, how="vertical_relaxed")
            losers = [self._superseded[day] for day in days if day in self._superseded]
            yield days, without_keys(rows, pl.concat(losers)) if losers else rows

    def _days_at_once(self) -> Iterator[list[date]]:
        most = min(self._rows_in_memory, _ROWS_AT_ONCE)
        together: list[date] = []
        rows = 0
        for day in self.days:
            if together and rows + self._rows[day] > most:
                yield together
                together, rows = [], 0
            together.append(day)
            rows += self._rows[day]
        if together:
            yield together


def job_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """A job's key: 128 bits of two independent hashes of `job_id`, with its day and export's precedence."""
    job_id = pl.col("job_id")
    return rows.select("job_run_date", PRECEDENCE, key_1=job_id.hash(seed=1), key_2=job_id.hash(seed=2))


def without_keys(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The rows whose `job_keys` are not among `keys` for their day, in their order."""
    job_of_day = [*_KEY, "job_run_date"]
    remaining = job_keys(rows).with_row_index("row").join(keys, on=job_of_day, how="anti").get_column("row")
    return rows[remaining.sort()]


def new_spill(parent: Path) -> Path:
    """A directory for one `DaySpill`, not made yet."""
    return parent / uuid.uuid4().hex


def remove_abandoned_spills(parent: Path) -> None:
    """Remove what killed processes left: by the machine's clock, no ingest works on one window for a whole day.

    Only directories named by `new_spill` are removed: `parent` may be a link to a directory of the user, and also
    holds the files of running ingests.
    """
    for directory in parent.glob("*"):
        if not _NAME.fullmatch(directory.name):
            continue
        try:
            age = file_age(directory.stat())
        except FileNotFoundError:
            continue  # another ingest has just ended
        if age > _ABANDONED_AFTER_SECONDS:
            shutil.rmtree(directory, ignore_errors=True)


def _by_day(rows: pl.DataFrame) -> dict[date, pl.DataFrame]:
    parts = rows.partition_by("job_run_date", as_dict=True, maintain_order=False)
    return {day: part for (day,), part in parts.items()}
