"""`credits`: what people read, exact JSON, and the exit code that a CI job acts on."""

import json
from pathlib import Path

import pytest

from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.warehouse.credits.published import FIRST, PURCHASES, ROWS, publish_credits


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
    assert lines[4].startswith(
        "acme: a top-up of 350,000 credits ($210.00 at the price of the last purchase) would last"
    )
    assert lines[5] == (
        "acme: 110,000 credits worth $66.00 will probably expire unused by 2027-03-12, the first on 2026-04-20."
    )
    assert [" ".join(line.split()) for line in lines[9:11]] == [
        "acme/2026-01-01/purchase 2026-01-01 2027-01-01 960,000 $480.00 710,000 0 250,000 =<script>alert(1)</script>",
        "acme/2026-03-01/purchase 2026-03-01 2026-04-20 250,000 $150.00 0 0 250,000 –",
    ]
    assert lines[-1] == "Data through 2026-03-12."


def test_a_balance_that_is_too_high_and_cost_centers_without_purchases_are_named(call: Caller) -> None:
    other = configuration(FIRST).partition("[[cost_centers]]")[2].replace("acme", "globex")
    other = other.replace("b9291e0d", "c9291e0d").replace("5d3c2f7e", "6d3c2f7e")
    older = PURCHASES.replace("date = 2026-01-01", "date = 2025-12-01")
    publish_credits(call.folder, f"{older}\n[[cost_centers]]{other}")
    lines = call("credits").out.splitlines()
    assert lines[-3].startswith("acme: 1 lot of credits bought before 2026-01-01, the first day whose usage is known,")
    assert lines[-2] == "No purchases of globex are written down, so nothing is known of their credits."


def test_json_has_every_lot_and_exact_decimals_as_strings(published: Caller) -> None:
    answer = json.loads(published("credits", "--json").out)
    (center,) = answer["cost_centers"]
    assert sorted(answer) == ["cost_centers", "currency", "data_through", "published_at"]
    assert (answer["data_through"], answer["currency"]) == ("2026-03-12", "USD")
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


def test_a_balance_that_days_are_missing_from_is_partial(call: Caller) -> None:
    publish_credits(call.folder, rows=[*ROWS[:40], *ROWS[41:]])
    output = call("credits")
    assert output.code == 5
    assert "Partial: acme: of 2026-02-10 no usage is known, so the balance may be too high" in output.err


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
    gate = call.at("2026-03-13T12:00:00+00:00")("credits", "--fail-over", "runs_out_within=30d")
    assert (gate.code, "whether the credits of acme run out by 2026-04-12 is not known" in gate.err) == (5, True)
    call.configure(text.replace('name = "acme"\n', 'name = "acme"\npurchase_files = ["none.csv"]\n'))
    output = call("credits")
    assert output.code == 5
    assert "Until then the credits of acme are left out." in output.err
