"""Parts of an export as gz files: rows spread by the hash of JOB_ID, written in bounded memory.

Rows come from `generator`, text from `dialects`; `jobs` knows which export a part belongs to.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import polars as pl
from isal import isal_zlib

from circleci_cost.errors import StorageError
from circleci_cost.simulator.dialects import Dialect, to_csv
from circleci_cost.simulator.generator import generate
from circleci_cost.simulator.scenario import Scenario

_GZIP = 31


def write_export_files(
    folder: Path,
    scenario: Scenario,
    organizations: Iterable[str],
    first: date,
    last: date,
    *,
    parts: int = 3,
    dialect: Dialect = "unquoted",
    as_of: datetime,
) -> list[Path]:
    """Write what an export made at `as_of` would hold of the days `first` to `last`, inclusive, however many.

    `organizations` are ids. Returns `part-0000.csv.gz` and so on, at most `parts`, each with rows.
    StorageError where the folder holds parts already: old and new ones would be mixed.
    """
    frames = generate(scenario, tuple(organizations), first, last, as_of)
    return write_parts(folder, frames, parts=parts, dialect=dialect)


def write_parts(folder: Path, frames: Iterable[pl.DataFrame], *, parts: int, dialect: Dialect) -> list[Path]:
    """Spread frames over gz files in `folder`, each with a header, rows unsorted; no part without rows."""
    if parts < 1:
        raise ValueError(f"an export has at least one part, not {parts}")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("part-*.csv.gz")):
        raise StorageError(f"{folder} holds parts of an export already: empty it or name another folder.")
    writers: dict[int, _GzipWriter] = {}
    with ExitStack() as stack:
        for frame in frames:
            spread = frame.with_columns(
                pl.col("JOB_ID").hash(1).mod(parts).alias("_part"), pl.col("JOB_ID").hash(2).alias("_order")
            ).sort("_part", "_order")
            for (number,), rows in spread.partition_by("_part", as_dict=True, maintain_order=True).items():
                writer = writers.get(number)
                header = writer is None
                if writer is None:
                    writer = writers[number] = stack.enter_context(_GzipWriter(folder / f".part-{number}"))
                writer.write(to_csv(rows.drop("_part", "_order"), dialect, header=header))
    paths = []
    for index, (_, writer) in enumerate(sorted(writers.items())):
        paths.append(writer.path.rename(folder / f"part-{index:04d}.csv.gz"))
    return paths


class _GzipWriter:
    """One gzip member, written piece by piece at the fastest level."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._compressor = isal_zlib.compressobj(level=1, wbits=_GZIP)
        self._file: BinaryIO = path.open("wb")

    def write(self, text: bytes) -> None:
        """Compress some bytes."""
        self._file.write(self._compressor.compress(text))

    def __enter__(self) -> "_GzipWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.write(self._compressor.flush())
        self._file.close()
