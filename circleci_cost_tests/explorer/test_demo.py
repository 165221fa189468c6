"""The demo that the explorer's tests share has something for each page to show."""

from datetime import date
from io import StringIO
from pathlib import Path

import httpx

from circleci_cost.cli.demo_savings import show_savings
from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.lake.layout import Lake
from circleci_cost.warehouse.publishing.generations import TABLES, current_generation
from circleci_cost.warehouse.reporting.report import days_with_data
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.serving import Site


def test_every_published_table_of_the_demo_has_rows_but_that_of_moved_services(demo_folder: Path) -> None:
    manifest = current_generation(Lake(demo_folder / DATA_DIRECTORY)).manifest
    assert (manifest.published_at, manifest.data_from, manifest.data_through) == (
        NOW,
        date(2025, 2, 19),
        date(2026, 3, 18),
    )
    # No cloud service shifts around an incident of the demo, whoever makes it.
    assert [name for name in TABLES if not manifest.rows[name]] == ["incident_services"]


def test_pages_of_the_demo_name_commands_as_they_have_to_be_called_there(site: Site) -> None:
    page = httpx.get(f"{site.origin}/classes", timeout=60).text
    assert "<code>circleci-cost --demo classes</code>" in page
    assert "<code>circleci-cost help classes</code>" in page
    refused = httpx.get(f"{site.origin}/?by=job&where=project=nothing-of-it", timeout=60)
    assert (refused.status_code, "`circleci-cost --demo report --by project`" in refused.text) == (400, True)


def test_the_summary_of_the_demo_shows_what_could_be_saved_and_how_long_credits_last(demo_folder: Path) -> None:
    generation = current_generation(Lake(demo_folder / DATA_DIRECTORY))
    console = PlainConsole(file=(out := StringIO()), width=80)
    with generation.connect() as connection:
        days = days_with_data(connection)
        assert days is not None
        show_savings(console, connection, generation, days)
    text = out.getvalue()
    for words in (
        "unregistered users",
        "re-run",
        " move",
        " revert",
        "acme: credits run out about ",
        " stay unexplained.",
    ):
        assert words in text, words
    assert max(len(line) for line in text.splitlines() if not line.startswith("acme")) <= 80
