"""What the tests of the command line share: a folder with a configuration, published rows, and a way to call it."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.cli.main import run
from circleci_cost.clock import Clock, ManualClock
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.usage import restatements
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost_tests.warehouse_tables import insert, publish_tables, tables_to_publish

DATA = Path(__file__).parent.parent / "data"
SAMPLE = DATA / "usage_export_part_unquoted.csv.gz"
NORTHWIND = DATA / "northwind.toml"
ORGANIZATION = "fac56b49-35b4-4103-99a1-e94aa0784a6c"

CONFIGURATION = """\
history_start = {history_start}
[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
shared_organization_ids = ["5d3c2f7e-84b1-4a6f-b0d9-71e6c9a4f812"]
[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2020-01-01
"""

_USAGE_DAY = {
    "cost_center": "acme",
    "jobs": 0,
    "runs": 0,
    "credits": 0,
    "export_id": "e",
    "exported_at": "2026-01-01",
    "costed_at": "2026-01-01",
    "complete": True,
}

# Removed with the process.
_MADE = tempfile.TemporaryDirectory(prefix="circleci-cost-tests-")


@dataclass(frozen=True)
class Output:
    """What a call of the command line wrote, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Caller:
    """Calls the command line in this process, in a folder of its own."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    clock: Clock | None = None

    def at(self, now: str) -> "Caller":
        """Call it at another time, such as 2025-12-31T23:59:59+00:00; workers keep the machine's."""
        return replace(self, clock=ManualClock(datetime.fromisoformat(now)))

    def __call__(self, *arguments: str | Path) -> Output:
        """Call it with some arguments."""
        self.capture.readouterr()
        code = run([str(argument) for argument in arguments], self.clock)
        out, err = self.capture.readouterr()
        return Output(code, out, err)

    def configure(self, text: str) -> Path:
        """Write the configuration of the folder."""
        path = self.folder / "circleci_cost.toml"
        path.write_text(text)
        return path


def configuration(history_start: date = date(2026, 1, 1)) -> str:
    """A configuration of one cost center, `acme`."""
    return CONFIGURATION.format(history_start=history_start)


def make_once(folder: Path, of: object, make: Callable[[], object]) -> None:
    """Make what a new folder holds; `of` says from what, and what was made of the same before is copied.

    Most tests of a module ask about the same publication, which takes longer to make than to ask.
    """
    kept = Path(_MADE.name) / hashlib.sha256(repr(of).encode("utf-8", "backslashreplace")).hexdigest()
    if folder.exists() and any(folder.iterdir()):
        make()
    elif kept.exists():
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        # Else the configuration beside it would look edited since.
        for path in folder.parent.glob("*.toml"):
            os.utime(path, (0, 0))
    else:
        make()
        shutil.copytree(folder, kept, symlinks=True)


def publish_rows(
    data_dir: Path, rows: Iterable[Mapping[str, Any]], days: Iterable[date] = (), unsettled: Iterable[date] = ()
) -> None:
    """Publish daily costs. A row needs `date` and credits by charge type; `price` None leaves it unpriced."""
    cost_rows, complete, open_days = [_row(row) for row in rows], sorted(days), sorted(unsettled)
    make_once(
        data_dir,
        ("rows", cost_rows, complete, open_days),
        lambda: _publish(open_lake(data_dir), cost_rows, complete, open_days),
    )


def _publish(lake: Lake, cost_rows: list[dict[str, Any]], days: list[date], open_days: list[date]) -> None:
    with tables_to_publish(lake) as connection:
        with transaction(connection):
            insert(connection, "daily_costs", cost_rows)
            insert(
                connection,
                "usage_days",
                [
                    _USAGE_DAY | {"date": day, "settled": day not in open_days}
                    for day in sorted({*days, *(row["date"] for row in cost_rows)})
                ],
            )
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    price = values.get("price", Decimal("0.0006"))
    charges = {name: Decimal(values.get(name, 0)) for name in CHARGE_TYPES}
    total = sum(charges.values(), start=Decimal(0))
    row: dict[str, Any] = {
        "date": values["date"],
        "cost_center": "acme",
        "organization_id": "o",
        "organization": "acme",
        "project_id": f"id of {values.get('project')}",
        "project": values.get("project", "web"),
        "workflow": values.get("workflow", "build"),
        "job": values.get("job", "test"),
        "branch": values.get("branch"),
        "jobs": values.get("jobs", 1),
        "runs": values.get("runs", 1),
        "run_seconds": 0,
        "price_per_credit": price,
        "credits": total,
        "cost_usd": None if price is None else total * price,
    }
    for name, credits in charges.items():
        row[f"{name}_credits"] = credits
        row[f"{name}_cost_usd"] = None if price is None else credits * price
    return row


def copied(source: Path, target: Path) -> Path:
    """Copy a folder, Dagster's records left out."""
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".dagster_home"))
    return target
