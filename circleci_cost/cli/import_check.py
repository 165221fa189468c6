"""Reads the files of an import from end to end, strictly, before anything of them is stored."""

import gzip
import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from circleci_cost.circleci import DownloadLimits, verify_gzip
from circleci_cost.circleci.gzip_check import MAGIC, PLAIN_CSV, kind_of
from circleci_cost.circleci.limits import MIB
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import ExportDataError, UsageError
from circleci_cost.lake.files import storage_errors
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.model.usage.imported_records import read_imported
from circleci_cost.model.usage.job_runs import refuse_unknown_organizations
from circleci_cost.model.usage.normalize import normalize
from circleci_cost.named_files.regular_files import require_regular_file


@dataclass(frozen=True)
class FilesRead:
    """The files to import, each content once, and a summary of them."""

    files: tuple[Path, ...]
    days: DayRange
    jobs: int
    credits: Decimal


def read_files(files: Sequence[Path], center: CostCenter, refused: Collection[str] | None = None) -> FilesRead:
    """Read all files: every CRC, record, value, organization and date; `refused` as in `refuse_unknown_organizations`.

    Raises `ExportDataError` with file, line and column, `UsageError` for a file that is not there or where no file
    holds a job.
    """
    contents: dict[str, Path] = {}
    days: set[date] = set()
    jobs, credits = 0, Decimal(0)
    with tempfile.TemporaryDirectory(prefix="circleci-cost-import-") as folder:
        for number, file in enumerate(files):
            packed = _packed(file, Path(folder) / str(number))
            part = verify_gzip(packed, DownloadLimits(), name=str(file))
            if part.sha256 in contents:
                continue
            contents[part.sha256] = file
            for block in read_imported(packed):
                rows = normalize(block)
                refuse_unknown_organizations(rows, center.name, center.organizations, str(file), refused)
                jobs += rows.height
                credits += Decimal(str(rows.get_column("total_credits").sum() or 0))
                days |= set(rows.get_column("job_run_date").to_list())
    if not days:
        raise UsageError("The files hold no jobs, only headers; nothing was imported.")
    return FilesRead(tuple(contents.values()), DayRange(min(days), max(days)), jobs, credits)


def _packed(file: Path, folder: Path) -> Path:
    """The file itself if it is compressed, else a compressed copy in `folder`."""
    require_regular_file(file, UsageError, "Nothing was imported.")
    try:
        with file.open("rb") as source:
            start = source.read(4096)
            if start.startswith(MAGIC):
                return file
            if kind_of(start) != PLAIN_CSV:
                raise ExportDataError(f"{file} is {kind_of(start)}, neither a CSV nor gzip; nothing was imported.")
            source.seek(0)
            folder.mkdir()
            copy = folder / file.name
            with storage_errors(copy), gzip.open(copy, "wb", compresslevel=1) as target:
                shutil.copyfileobj(source, target, MIB)
            return copy
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UsageError(f"{file} is not a file; nothing was imported.") from None
    except PermissionError:
        raise UsageError(f"{file} cannot be read; give this user read access to it.") from None
