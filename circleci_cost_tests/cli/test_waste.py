"""`waste`: a table that says what each cause is, exact JSON, and what to do where no waste is published."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.efficiency.waste import write_waste
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST = date(2026, 1, 1)
ROWS = [
    {"date": FIRST, "project": "web", "job": "test", "compute": 5000},
    {"date": FIRST, "project": "web", "job": "test", "compute": 1000},
    {"date": date(2026, 2, 1), "project": "api", "job": "lint", "compute": 2000},
]


def publish_waste(folder: Path) -> None:
    """Publish costs of which some are of failed and canceled runs, and the waste in them."""
    publish_rows(folder / "data", ROWS)
    lake = open_lake(folder / "data")
    with tables_to_publish(lake) as connection:
        for credits, status in ((1000, "failed"), (2000, "canceled")):
            connection.execute("UPDATE daily_costs SET build_status = ? WHERE credits = ?", (status, credits))
        write_waste(connection, lake, ["acme"])
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration(FIRST))
    publish_waste(call.folder)
    return call


def test_causes_are_a_table_beside_the_cost_and_each_says_what_it_is(published: Caller) -> None:
    output = published("waste")
    assert output.code == 0
    lines = [" ".join(line.split()) for line in output.out.splitlines()]
    assert lines[0].startswith("cause waste of its cost runs run time")
    assert lines[2].startswith("canceled $1.20 25.0 %")
    assert lines[3].startswith("failed $0.60 12.5 %")
    assert lines[4] == "Waste from 2026-01-01 to 2026-02-01: $1.80, 37.5 % of $4.80."
    assert lines[5] == "canceled (cause=canceled): runs that were canceled."
    assert lines[-1] == "Data through 2026-02-01."
    assert all(len(line) <= 80 for line in output.out.splitlines()[:5]), "sentences break on a terminal only"


def test_json_is_exact_and_groups_by_several_names(published: Caller) -> None:
    answer = json.loads(published("waste", "--by", "project,month", "--where", "cause=failed", "--json").out)
    assert (answer["from"], answer["to"], answer["by"]) == ("2026-01-01", "2026-02-01", ["project", "month"])
    (row,) = answer["rows"]
    assert (row["project"], row["month"], row["cost"], row["credits"]) == ("web", "2026-01", "0.600000", "1000")
    assert (row["whole_cost"], row["share"]) == ("3.600000", "0.166667")
    assert (answer["total"]["cost"], answer["total"]["whole_cost"]) == ("0.600000", "4.800000")


def test_days_and_a_limit_are_kept(published: Caller) -> None:
    assert (
        "Nothing was wasted from 2026-01-02 to 2026-01-31"
        in published("waste", "--from", "2026-01-02", "--to", "2026-01-31").err
    )
    assert "1 group more; --limit N" in published("waste", "--limit", "1").out


def test_a_name_that_waste_does_not_have_is_a_mistake_of_usage(published: Caller) -> None:
    output = published("waste", "--by", "projekt")
    assert (output.code, "did you mean 'project'?" in output.err) == (2, True)


def test_without_published_waste_it_says_how_to_publish_it(published: Caller) -> None:
    lake = open_lake(published.folder / "data")
    manifest = current_generation(lake).manifest
    rows = {name: count for name, count in manifest.rows.items() if name != "waste"}
    point_to(lake, manifest.model_copy(update={"rows": rows}))
    output = published("waste")
    assert (output.code, "No waste is published yet; run " in output.err) == (1, True)
