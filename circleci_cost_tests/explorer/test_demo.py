"""The demo that the explorer's tests share has something for each page to show."""

from datetime import date
from pathlib import Path

from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.publishing.generations import TABLES, current_generation
from circleci_cost_tests.explorer.moment import NOW


def test_every_published_table_of_the_demo_has_rows_but_that_of_moved_services(demo_folder: Path) -> None:
    manifest = current_generation(Lake(demo_folder / DATA_DIRECTORY)).manifest
    assert (manifest.published_at, manifest.data_from, manifest.data_through) == (
        NOW,
        date(2025, 2, 19),
        date(2026, 3, 18),
    )
    # No cloud service shifts around an incident of the demo, whoever makes it.
    assert [name for name in TABLES if not manifest.rows[name]] == ["incident_services"]
