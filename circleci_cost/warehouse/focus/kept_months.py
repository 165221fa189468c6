"""Keeps a FOCUS file of every published month below the data directory: those whose data changed are written again.

`export` proves each month; the command line writes other shapes into folders of the user's choice.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from circleci_cost import __version__
from circleci_cost.day_ranges import DayRange
from circleci_cost.lake.files import atomic_path
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.lake.turns import turn
from circleci_cost.model.focus.columns import Grain, Style, Version
from circleci_cost.warehouse.core.statements import sql, statements_of
from circleci_cost.warehouse.focus.deliveries import PARQUET, month_file, write_metadata
from circleci_cost.warehouse.focus.export import Source, bound_memory, months_between, months_of_rows
from circleci_cost.warehouse.focus.files import write_parquet
from circleci_cost.warehouse.focus.rows import focus_query
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost.warehouse.reporting.report import days_with_data, published_tags

_VERSION = Version.V1_2


@dataclass(frozen=True)
class KeptMonths:
    """What the folder holds now; `rows` and `cost_usd` are those of the months that were written."""

    folder: Path
    generation: str
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    rows: int
    cost_usd: Decimal


def keep_months(lake: Lake, payers: Mapping[str, str]) -> KeptMonths:
    """Bring the folder up to date with the current generation; each file is replaced by one rename.

    In: the paying organization's id of each configured cost center. Runs take turns, so that none of them replaces
    the files of a newer generation. Raises `CircleciCostError` where a month does not add up, `StorageError`.
    """
    with turn(lake.focus_lock):
        generation = current_generation(lake)
        with generation.connect() as connection:
            source = Source(connection, lake, published_tags(connection, generation), payers, Grain.DAY, Style.USD)
            return _keep(source, generation.manifest.generation)


def _keep(source: Source, generation: str) -> KeptMonths:
    connection, folder = source.connection, source.lake.focus
    folder.mkdir(parents=True, exist_ok=True)
    spill = source.lake.spill / "focus"
    # What a killed run left: nobody else uses it, since runs take turns.
    shutil.rmtree(spill, ignore_errors=True)
    bound_memory(connection, spill)
    available = days_with_data(connection)
    months = months_between(connection, available) if available else []
    stamps = _stamps(source) if months else {}
    changed = [days for days in months if _stamp_of(connection, folder / _file(days)) != stamps[f"{days.first:%Y-%m}"]]
    rows, cost = 0, Decimal(0)
    query = focus_query(_VERSION, source.grain, as_text=False)
    for days in changed:
        for month in months_of_rows(source, days):
            with atomic_path(folder / _file(days)) as temporary:
                rows += write_parquet(connection, query, temporary, stamps[month.name]).rows
            cost += month.cost_usd
    write_metadata(source, _VERSION, folder)
    current = {_file(days) for days in months}
    removed = sorted(path for path in folder.glob(f"focus-*.{PARQUET}") if path.name not in current)
    for path in removed:
        path.unlink(missing_ok=True)
    return KeptMonths(
        folder,
        generation,
        tuple(f"{days.first:%Y-%m}" for days in changed),
        tuple(f"{days.first:%Y-%m}" for days in months if days not in changed),
        tuple(path.name for path in removed),
        rows,
        cost,
    )


def _file(days: DayRange) -> str:
    return month_file(f"{days.first:%Y-%m}", PARQUET)


def _stamps(source: Source) -> dict[str, str]:
    """The stamp of every month: of its data, of who pays, and of how rows are made."""
    query = focus_query(_VERSION, source.grain, as_text=False)
    made_by = [
        __version__,
        duckdb.__version__,
        # Not the set of texts: each process would write it in another order, and a Parquet file does not depend on it.
        repr((query.columns, query.source, query.order)),
        # Their views and macros, too.
        *statements_of("focus"),
        *statements_of("core"),
        repr(sorted(source.payers.items())),
        repr(list(source.tags)),
    ]
    form = hashlib.sha256("\0".join(made_by).encode()).hexdigest()[:16]
    rows = source.connection.execute(sql("focus/stamps")).fetchall()
    return {month: f"{form}-{stamp}" for month, stamp in rows}


def _stamp_of(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The stamp that a file was written with; empty where there is no readable file."""
    if not path.exists():
        return ""
    query = "SELECT decode(value) FROM parquet_kv_metadata($path) WHERE decode(key) = 'circleci_cost'"
    try:
        rows = connection.execute(query, {"path": readable([path])[0]}).fetchall()
    except duckdb.Error:
        # Damaged, or of another program: it is written again.
        return ""
    return str(rows[0][0]) if rows else ""
