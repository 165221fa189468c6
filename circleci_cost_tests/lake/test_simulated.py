"""Exports as the simulator writes them, read back into the rows that its generator drew."""

from datetime import UTC, datetime

import polars as pl
import pytest

from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import Manifest, Part, write_manifest
from circleci_cost.simulator import ACME_ID, ACME_LABS_ID, Dialect, demo_scenario, generate, write_export_files

from .builders import CENTER, day, days, stored

AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORGANIZATIONS = (ACME_ID, ACME_LABS_ID)


def land_simulated(lake: Lake, dialect: Dialect) -> None:
    directory = lake.export(CENTER, day(1), day(4))
    scenario = demo_scenario(AS_OF.date())
    files = write_export_files(directory, scenario, ORGANIZATIONS, day(1), day(4), dialect=dialect, as_of=AS_OF)
    parts = tuple(Part(name=file.name, bytes=1, sha256="", uncompressed_bytes=1, lines=1) for file in files)
    manifest = Manifest(
        cost_center=CENTER,
        source="usage_export_job",
        complete=True,
        export_id="simulated",
        organization_id=ACME_ID,
        shared_organization_ids=(ACME_LABS_ID,),
        first_day=day(1),
        last_day=day(4),
        requested_at=AS_OF,
        exported_at=AS_OF,
        url_count=len(files),
        parts=parts,
    )
    write_manifest(directory, manifest)


@pytest.mark.parametrize("dialect", ["unquoted", "quoted"])
def test_the_rows_of_the_simulator_arrive_as_they_were_drawn(lake: Lake, dialect: Dialect) -> None:
    land_simulated(lake, dialect)
    report = ingest_days(lake, CENTER, ORGANIZATIONS, days(1, 4), ingested_at=AS_OF)
    drawn = pl.concat(generate(demo_scenario(AS_OF.date()), ORGANIZATIONS, day(1), day(4), AS_OF))
    drawn = drawn.rename(str.lower).sort("job_id")
    stored_rows = pl.concat(stored(lake, of_day) for of_day in days(1, 4)).sort("job_id")
    assert report.rows_read == drawn.height == stored_rows.height
    for name in drawn.columns:
        values = drawn.get_column(name)
        if values.dtype == pl.Datetime:
            values = values.dt.truncate("1ms").dt.replace_time_zone(None)
        assert stored_rows.get_column(name).to_list() == values.to_list(), name
    assert stored_rows.get_column("other_credits").unique().to_list() == [0]
