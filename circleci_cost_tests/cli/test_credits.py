"""`credits`: what people read, exact JSON, and the exit code that a CI job acts on."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import read_settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.credits.credit_ledger import write_credits
from circleci_cost.warehouse.publishing.publish import publish
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows

FIRST, THROUGH = date(2026, 1, 1), date(2026, 3, 12)
# Every day of a steady 10,000 credits; bought are those of 71 days and 45 more, 20 of which expire first.
ROWS = [{"date": day, "compute": 10_000} for day in days_between(FIRST, THROUGH)]
PURCHASES = """
[[cost_centers.purchases]]
date = 2026-01-01
credits = 960_000
usd = 480
invoice = "INV-7"
[[cost_centers.purchases]]
date = 2026-03-01
credits = 250_000
usd = 150
expires = 2026-04-20
"""


def publish_credits(folder: Path) -> None:
    """Write a configuration with purchases, and publish costs and what they leave of the credits."""
    (folder / "circleci_cost.toml").write_text(configuration(FIRST) + PURCHASES)
    publish_rows(folder / "data", ROWS)
    lake = open_lake(folder / "data")
    centers = usable_credits(read_settings(folder / "circleci_cost.toml")).centers
    with duckdb.connect(str(lake.warehouse)) as connection:
        write_credits(connection, centers, ForecastSettings(method="mean"))
        publish(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("credits")
    publish_credits(folder)
    return folder


@pytest.fixture
def published(folder: Path, call: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.chdir(folder)
    return call


def test_people_read_when_credits_run_out_what_expires_and_what_a_top_up_must_be(published: Caller) -> None:
    output = published("credits", "--lots")
    assert (output.code, output.err) == (0, "")
    lines = output.out.splitlines()
    assert " ".join(lines[2].split()).startswith("acme 500,000 $275.00 $0.00055 10,000 2026-04-")
    assert lines[3].startswith("acme: credits run out on 2026-04-")
    assert lines[3].endswith(", and builds stop.")
    assert lines[4].startswith("acme: 350,000 credits, $210.00 at the price of the last purchase, would last to 2026-")
    assert lines[5] == (
        "acme: 110,000 credits worth $66.00 will probably expire unused by 2027-03-12, the first on 2026-04-20."
    )
    assert [" ".join(line.split()) for line in lines[9:11]] == [
        "acme/2026-01-01/purchase 2026-01-01 2027-01-01 960,000 $480.00 710,000 0 250,000 INV-7",
        "acme/2026-03-01/purchase 2026-03-01 2026-04-20 250,000 $150.00 0 0 250,000 –",
    ]
    assert lines[-1] == "Data through 2026-03-12."


def test_json_has_every_lot_and_exact_decimals_as_strings(published: Caller) -> None:
    answer = json.loads(published("credits", "--json").out)
    (center,) = answer["cost_centers"]
    assert (answer["data_through"], sorted(answer)) == ("2026-03-12", ["cost_centers", "data_through", "published_at"])
    assert (center["balance_credits"], center["balance_usd"], center["price_per_credit"]) == (
        "500000",
        "275",
        "0.00055",
    )
    assert (center["expiring_usd"], center["expires_next"], center["auto_refill"]) == ("66", "2026-04-20", False)
    assert [(lot["lot"], lot["used_usd"], lot["left_usd"]) for lot in center["lots"]] == [
        ("acme/2026-01-01/purchase", "355", "125"),
        ("acme/2026-03-01/purchase", "0", "150"),
    ]


@pytest.mark.parametrize(("days", "code"), [(30, 0), (60, 5)])
def test_a_ci_job_fails_when_credits_may_run_out_within_the_days(published: Caller, days: int, code: int) -> None:
    output = published.at("2026-03-13T12:00:00+00:00")("credits", "--fail-over", f"runs_out_within={days}d")
    assert (output.code, output.err) == (code, "May run out by 2026-05-12: acme\n" if code else "")


def test_an_unknown_limit_is_a_mistake_in_usage(published: Caller) -> None:
    output = published("credits", "--fail-over", "runs_out_within=soon")
    assert output.code == 2
    assert "write it as runs_out_within=30d, with 1 to 9999 days." in output.err


def test_without_purchases_the_command_says_how_to_enter_them(call: Caller) -> None:
    call.configure(configuration(FIRST))
    publish_rows(call.folder / "data", ROWS)
    output = call("credits")
    assert (output.code, output.out) == (0, "")
    assert output.err.startswith("No purchases of credits are written down, so nothing is known about balance and run-")
    assert json.loads(call("credits", "--json").out)["cost_centers"] == []


def test_purchases_that_are_not_published_yet_and_files_that_cannot_be_read_are_named(call: Caller) -> None:
    text = configuration(FIRST) + PURCHASES
    call.configure(text)
    publish_rows(call.folder / "data", ROWS)
    note = "Note: No state of the credits of acme is published yet; run `circleci-cost allocation apply`, which"
    assert call("credits").err.startswith(note)
    call.configure(text.replace('name = "acme"\n', 'name = "acme"\npurchase_files = ["none.csv"]\n'))
    output = call("credits")
    assert output.code == 5
    assert "Until then the credits of acme are left out." in output.err
