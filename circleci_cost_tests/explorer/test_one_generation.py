"""Each request reads one published generation; a publication in between is seen by the next request."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import polars as pl
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.config.settings import demo_settings
from circleci_cost.explorer.asking import ask
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.reporting.report import Question
from circleci_cost.model.usage import restatements
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish


@pytest.fixture
def own_site(demo_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """The demo in a folder that the test may change."""
    shutil.copytree(demo_folder / DATA_DIRECTORY, tmp_path / DATA_DIRECTORY)
    settings = demo_settings(tmp_path / DATA_DIRECTORY, ManualClock(NOW))
    with serving(settings) as site:
        yield site


def publish_twice(site: Site) -> None:
    """Publish costs of twice the size."""
    lake = open_lake(site.settings.data_dir)
    with tables_to_publish(lake) as connection:
        connection.execute("UPDATE daily_costs SET cost_usd = cost_usd + cost_usd")
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), NOW + timedelta(hours=1))


def test_a_publication_changes_the_next_request_and_not_the_present_one(own_site: Site) -> None:
    days = open_lake(own_site.settings.data_dir)
    question = Question(NOW.date().replace(day=1), NOW.date())
    assert days.published.exists()
    with own_site.explorer.snapshots.take(own_site.settings) as snapshot:
        before = ask(snapshot, question).total.cost
        publish_twice(own_site)
        assert ask(snapshot, question).total.cost == before
    with own_site.explorer.snapshots.take(own_site.settings) as snapshot:
        after = ask(snapshot, question).total.cost
    assert before is not None
    assert after == before * 2


def test_a_session_goes_on_after_a_publication(own_site: Site) -> None:
    with httpx.Client(base_url=own_site.origin, timeout=60) as client:
        before = client.get("/api/report").json()["total"]["cost"]
        assert "published 2026-03-19 10:35 UTC" in client.get("/").text
        publish_twice(own_site)
        assert "published 2026-03-19 11:35 UTC" in client.get("/").text
        assert Decimal(client.get("/api/report").json()["total"]["cost"]) == Decimal(before) * 2
