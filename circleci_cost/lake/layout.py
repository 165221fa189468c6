"""Where everything lives below `data_dir`: the one place that builds paths.

No reading and no writing of contents here; only names, and the format of the directory itself.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.stores.paths import StorePath

# To be raised with every change of the warehouse's tables, of manifests or of job runs.
FORMAT = 7
_DATE_DIRECTORY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Lake:
    """The paths below one data directory."""

    root: Path

    def __post_init__(self) -> None:
        # An address that was handed on as text and made a `Path` again would else be a folder named `s3:`.
        if StorePath.is_one(self.root):
            object.__setattr__(self, "root", StorePath(*self.root.parts))

    @property
    def format_marker(self) -> Path:
        """The file that says which format the directory has."""
        return self.root / "format.json"

    @property
    def state(self) -> Path:
        """Bookkeeping that may be rebuilt or waited for: quota ledger, intents of export jobs."""
        return self.root / "state"

    @property
    def quota_ledger(self) -> Path:
        """The SQLite file in which all processes count their API requests."""
        return self.state / "quota.sqlite"

    @property
    def own_disk(self) -> Path:
        """What is this machine's alone where the data directory is in a store; else `state`."""
        if isinstance(self.root, StorePath):
            from circleci_cost.lake.stores.scratch import scratch

            return scratch(self.root)
        return self.state

    @property
    def spill(self) -> Path:
        """Temporary files of ingests that are running, always on this machine's disk."""
        return self.own_disk / "spill"

    @property
    def damaged(self) -> Path:
        """What `doctor --repair` set aside, a folder each time."""
        return self.state / "damaged"

    @property
    def tables(self) -> Path:
        """The warehouse's tables: immutable Parquet files and the manifests that list them."""
        return self.root / "tables"

    def table_lock(self, name: str) -> Path:
        """Held by the process that makes the tables of this name."""
        return self.state / "tables" / f"{name}.lock"

    @property
    def earlier_warehouse(self) -> Path:
        """The DuckDB file that held the tables up to format 4; its rows are taken over on the first write."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The directory of published generations."""
        return self.root / "published"

    @property
    def earlier_warehouse_lock(self) -> Path:
        """Held by the process that takes over the tables of an earlier version."""
        return self.state / "warehouse.lock"

    @property
    def publishing_lock(self) -> Path:
        """Held by the process that publishes."""
        return self.state / "publishing.lock"

    def reading_lock(self, cost_center: str) -> Path:
        """Held by the process that reads exports of a cost center into job runs."""
        return self.state / "job_runs" / f"{cost_center}.lock"

    @property
    def reading_places(self) -> Path:
        """The locks of those who read exports on this machine, one for each that its memory holds at once."""
        return self.own_disk / "reading"

    @property
    def imports_lock(self) -> Path:
        """Held by the process that lands files of a user."""
        return self.state / "imports.lock"

    @property
    def focus(self) -> Path:
        """The FOCUS files, one a month."""
        return self.root / "focus"

    @property
    def focus_lock(self) -> Path:
        """Held by the process that writes FOCUS files."""
        return self.state / "focus.lock"

    @property
    def infrastructure_lock(self) -> Path:
        """Held by the process that reads files of infrastructure costs."""
        return self.state / "infrastructure.lock"

    @property
    def infrastructure_state(self) -> Path:
        """What the last reading noticed in files of infrastructure costs; without it they are read again."""
        return self.state / "infrastructure.json"

    @property
    def run_locks(self) -> Path:
        """The locks of Dagster runs that are being executed, one file each."""
        return self.state / "runs"

    @property
    def dead_runs_lock(self) -> Path:
        """Held by the process that ends runs whose own process is dead."""
        return self.state / "dead_runs.lock"

    @property
    def tidied(self) -> Path:
        """The file that holds the day of the last housekeeping."""
        return self.state / "tidied"

    @property
    def intents(self) -> Path:
        """The notes of all export jobs, and their locks, by cost center."""
        return self.state / "export_jobs"

    def intent(self, cost_center: str, first: date, last: date) -> Path:
        """The note of an export job that was or is about to be created."""
        return self.intents / cost_center / f"{first}_{last}.json"

    def exports(self, cost_center: str) -> Path:
        """All landed exports of a cost center, one directory each."""
        return self.root / "exports" / cost_center

    def export(self, cost_center: str, first: date, last: date) -> Path:
        """The directory of the usage export of a window of whole days, both ends included."""
        return self.exports(cost_center) / f"{first}_{last}"

    def imported(self, cost_center: str, first: date, last: date, import_id: str) -> Path:
        """The directory of files that a user imported."""
        return self.exports(cost_center) / f"{first}_{last}.{import_id}"

    def job_runs(self, cost_center: str) -> Path:
        """The job runs of a cost center, one directory a day."""
        return self.root / "job_runs" / f"cost_center={cost_center}"

    def job_runs_file(self, cost_center: str, day: date) -> Path:
        """The job runs of a cost center and day."""
        return self.job_runs(cost_center) / f"date={day}" / "data.parquet"

    def job_runs_days(self, cost_center: str) -> list[date]:
        """The days that have a file of job runs, empty days included, in order."""
        matches = (
            _DATE_DIRECTORY.fullmatch(path.parent.name) for path in self.job_runs(cost_center).glob("*/data.parquet")
        )
        return sorted(date.fromisoformat(match.group(1)) for match in matches if match)

    def has_job_runs(self) -> bool:
        """Whether any cost center has a file of job runs."""
        return any(self.root.glob("job_runs/*/*/data.parquet"))

    def restatements(self, cost_center: str) -> Path:
        """The records of what later exports changed in days already written."""
        return self.root / "restatements" / f"cost_center={cost_center}"

    def restatement_file(self, cost_center: str, day: date, name: str) -> Path:
        """What one export changed in one day."""
        return self.restatements(cost_center) / f"{day}_{name}.parquet"


def open_lake(root: Path) -> Lake:
    """Return the lake at `root`, made where it is missing; one of an earlier format stays as it is until a `claim`.

    Raises `StorageError`, for one of a newer format too.
    """
    lake = Lake(root)
    if _format_of(lake) is None:
        claim(lake)
    return lake


def claim(lake: Lake) -> None:
    """Make the data directory this version's, before anything is written into it. Raises `StorageError`.

    The format is raised before anything is changed: earlier versions then refuse the directory, so that none of them
    meets a half-changed table. What has to be changed is read from the tables themselves, never from the number, so
    the next write completes what a kill left undone.
    """
    if _format_of(lake) != FORMAT:
        write_atomic(lake.format_marker, json.dumps({"format": FORMAT}).encode())


def _format_of(lake: Lake) -> int | None:
    """The format of a data directory, None where there is none yet. Refuses a newer one."""
    marker = lake.format_marker
    try:
        number = int(json.loads(marker.read_text())["format"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{marker} does not say which format the data directory has; restore it from a backup, "
            f'or write {{"format": {FORMAT}}} into it if this version made the directory.'
        ) from error
    if number > FORMAT:
        raise StorageError(
            f"The data directory {lake.root} has format {number}, this version of circleci_cost reads up to "
            f"{FORMAT}; nothing was touched. Use the newer version, or another data_dir."
        )
    return number
