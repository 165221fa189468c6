"""`reconcile`: the way from the computed cost to the invoice, for people and as exact JSON."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.cli.check_sections import section_findings
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import read_settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.credits.credit_ledger import write_credits
from circleci_cost.warehouse.credits.reconciliation import ReconciliationSummary, write_reconciliation
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST, THROUGH = date(2026, 1, 1), date(2026, 2, 27)
ROWS = [{"date": day, "compute": 10_000, "user": 25_000 if day.day == 1 else 0} for day in days_between(FIRST, THROUGH)]
INVOICES = """
[[cost_centers.invoices]]
period = "2026-01"
amount = 201
number = "INV-1"
[[cost_centers.invoices]]
period = "2026-02"
amount = 220.5
lines = { tax = 40.5 }
"""


def published_by(folder: Path, text: str) -> ReconciliationSummary:
    (folder / "circleci_cost.toml").write_text(text)
    publish_rows(folder / "data", ROWS)
    lake = open_lake(folder / "data")
    usable = usable_credits(read_settings(folder / "circleci_cost.toml"))
    with tables_to_publish(lake) as connection:
        nothing = pl.DataFrame(schema=restatements.SCHEMA)
        write_credits(connection, usable.centers, ForecastSettings(method="mean"))
        summary = write_reconciliation(connection, usable.invoiced, nothing)
        publish_tables(connection, lake, nothing, datetime.now(UTC))
    return summary


def test_each_invoice_is_taken_apart_and_the_rest_is_shown(call: Caller) -> None:
    summary = published_by(call.folder, configuration(FIRST) + INVOICES)
    assert summary.findings == ()
    output = call("reconcile")
    assert (output.code, output.err) == (0, "")
    assert [" ".join(line.split()) for line in output.out.splitlines() if line[:1] not in {"─", ""}] == [
        "acme, 2026-01-01 to 2026-01-31 (INV-1): $201.00 billed",
        "part USD why",
        "computed cost $201.00",
        "unexplained $0.00",
        "acme, 2026-02-01 to 2026-02-28: $220.50 billed",
        "part USD why",
        "computed cost $177.00",
        "days missing about +$6.56 1 day without data (2026-02-28), at the mean of the others",
        "tax +$40.50",
        "unexplained -$3.56",
        "What stays unexplained may be a line of the invoice (seats, storage, network, tax) or a purchase that is not "
        "written down; otherwise ask CircleCI's billing support about it.",
        "Data through 2026-02-27.",
    ]
    answer = json.loads(call("reconcile", "--json").out)
    assert (answer["data_through"], answer["currency"]) == ("2026-02-27", "USD")
    january, february = answer["periods"]
    assert (january["invoice_usd"], january["invoices"], february["invoices"]) == ("201", "INV-1", None)
    amounts = [Decimal(part["amount_usd"]) for part in february["parts"]]
    assert sum(amounts) == Decimal(february["invoice_usd"])


def test_with_purchases_an_invoice_bills_what_was_bought_and_too_much_unexplained_is_a_finding(call: Caller) -> None:
    purchase = "[[cost_centers.purchases]]\ndate = 2026-01-01\ncredits = 1_000_000\nusd = 500\n"
    invoice = '[[cost_centers.invoices]]\nperiod = "2026-01"\namount = 520\n'
    summary = published_by(call.folder, configuration(FIRST) + purchase + invoice)
    assert dict(summary.rows.select("cause", "amount_usd").iter_rows()) == {
        "computed": Decimal(201),
        "refill_instead_of_usage": Decimal("332.5"),
        "price_period": Decimal("-33.5"),
        "unexplained": Decimal(20),
    }
    assert summary.findings == ("acme, 2026-01-01 to 2026-01-31: $20.00 of $520.00 (3.8 %) stay unexplained",)


def test_an_invoice_of_days_without_any_data_says_why_all_of_it_is_unexplained(call: Caller) -> None:
    invoice = '[[cost_centers.invoices]]\nperiod = "2025-11"\namount = 520\n'
    assert published_by(call.folder, configuration(FIRST) + invoice).findings == (
        "acme, 2025-11-01 to 2025-11-30: $520.00 of $520.00 (100.0 %) stay unexplained, as no day of the period has "
        "data",
    )
    assert "no day of the period has data" in call("reconcile").out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "No invoices are written down, so there is nothing to compare; add one to "),
        (INVOICES, "Note: The invoices of acme are not compared yet; run `circleci-cost allocation apply`, which "),
    ],
)
def test_what_is_missing_is_said(call: Caller, text: str, sentence: str) -> None:
    call.configure(configuration(FIRST) + text)
    publish_rows(call.folder / "data", ROWS)
    output = call("reconcile")
    assert (output.code, output.out) == (0, "")
    assert output.err.startswith(sentence)


def test_check_counts_what_is_written_down(call: Caller) -> None:
    purchase = "[[cost_centers.purchases]]\ndate = 2026-01-01\ncredits = 1_000_000\nusd = 500\n"
    settings = read_settings(call.configure(configuration(FIRST) + INVOICES + purchase))
    findings = [finding for finding in section_findings(settings, {}, offline=True) if finding.subject == "credits"]
    assert [(finding.state, finding.sentence) for finding in findings] == [("ok", "acme: 1 purchase, 2 invoices")]
