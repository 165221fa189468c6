"""The tables of infrastructure in a generation; one that an earlier version published may lack some of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.infrastructure.asked import Asked, read_asked
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.correlation.correlation import SCHEMA
from circleci_cost.warehouse.correlation.cost_correlations import CORRELATIONS, INCIDENT_SERVICES, read_correlations
from circleci_cost.warehouse.correlation.moving_together import Shift, shifts
from circleci_cost.warehouse.incidents.incidents import INCIDENTS
from circleci_cost.warehouse.infrastructure.published_costs import ReadFile, SourceDays, read_files, source_days

_COSTS, _FILES = "infrastructure_costs", "infrastructure_files"


def published_pairs(snapshot: Snapshot) -> pl.DataFrame:
    """All pairs in order, `correlation.SCHEMA`."""
    if CORRELATIONS not in snapshot.generation.manifest.rows:
        return pl.DataFrame(schema=SCHEMA)
    return read_correlations(snapshot.connection)


def published_shifts(snapshot: Snapshot) -> Sequence[Shift]:
    """What shifted around incidents, the newest incident first."""
    if not {INCIDENT_SERVICES, INCIDENTS} <= snapshot.generation.manifest.rows.keys():
        return ()
    return shifts(snapshot.connection)


def published_sources(snapshot: Snapshot) -> Sequence[SourceDays]:
    """The sources that have costs."""
    has_costs = {_COSTS, _FILES} <= snapshot.generation.manifest.rows.keys()
    return source_days(snapshot.connection) if has_costs else ()


def published_files(snapshot: Snapshot) -> Sequence[ReadFile]:
    """The files that the costs rest on; one below the configuration's folder is named from there."""
    if _FILES not in snapshot.generation.manifest.rows:
        return ()
    folder = snapshot.settings.resolve(Path()).absolute()
    return [replace(each, path=_from(folder, each.path)) for each in read_files(snapshot.connection)]


def _from(folder: Path, path: str) -> str:
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def asked(address: Address, snapshot: Snapshot) -> tuple[Asked, pl.DataFrame]:
    """A checked address, and the pairs of which it may name one. Raises `UsageError`."""
    pairs = published_pairs(snapshot)
    complete = max((each.last for each in published_sources(snapshot) if each.last), default=None)
    return read_asked(address, snapshot, pairs, complete), pairs
