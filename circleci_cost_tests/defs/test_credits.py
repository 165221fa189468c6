"""What the assets about credits tell Dagster: figures, and checks that warn with sentences."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from circleci_cost.config.settings import read_settings
from circleci_cost.defs.credits import build_credit_assets
from circleci_cost.model.credits.outlook import OUTLOOK_SCHEMA
from circleci_cost.model.credits.reconciliation import RECONCILIATION_SCHEMA
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.warehouse.credits.credit_ledger import CreditSummary
from circleci_cost.warehouse.credits.reconciliation import ReconciliationSummary
from circleci_cost_tests.cli.harness import configuration

OUTLOOK: dict[str, Any] = {
    "cost_center": "acme",
    "data_through": date(2026, 3, 12),
    "horizon": date(2027, 3, 12),
    "balance_credits": 500_000,
    "balance_usd": 275,
    "runs_out_on": date(2026, 4, 5),
    "runs_out_earliest": date(2026, 4, 1),
    "runs_out_latest": date(2026, 4, 9),
    "credits_per_day": 20_000,
    "auto_refill": False,
    "expiring_credits": 110_000,
    "expiring_usd": 66,
    "expires_next": date(2026, 4, 20),
}


def told(tmp_path: Path, position: int, summary: object) -> tuple[dict[str, Any], dict[str, str | None]]:
    """The figures, and the sentences of the checks that did not pass."""
    (tmp_path / "circleci_cost.toml").write_text(configuration())
    asset = build_credit_assets(read_settings(tmp_path / "circleci_cost.toml"))[position]
    with duckdb.connect() as connection:
        result = asset.report(summary, connection)
    assert isinstance(result, dg.MaterializeResult)
    checks = {str(check.check_name): check.description for check in result.check_results or () if not check.passed}
    return dict(result.metadata or {}), checks


def test_credits_that_run_out_or_expire_and_missing_purchases_are_warnings(tmp_path: Path) -> None:
    outlook = pl.DataFrame([OUTLOOK], OUTLOOK_SCHEMA)
    problem = FileProblem("credits", Path("p.csv"), "p.csv is empty.", "Until then it is left out.")
    figures, checks = told(tmp_path, 0, CreditSummary(3, 2, outlook, ("acme: 5 credits are missing",), (problem,)))
    assert (figures["lots"], figures["balance_credits"], figures["balance_usd"]) == (2, 500_000, 275)
    assert checks == {
        "purchases_readable": "credits: p.csv is empty. Until then it is left out.",
        "purchases_complete": "acme: 5 credits are missing",
        "credits_last": (
            "acme: credits run out about 2026-04-05 (80 %: 2026-04-01 – 2026-04-09), and builds stop; acme: 110,000 "
            "credits worth $66.00 will probably expire unused by 2027-03-12, the first on 2026-04-20"
        ),
    }


def test_without_purchases_and_invoices_every_check_passes(tmp_path: Path) -> None:
    nothing = CreditSummary(0, 0, pl.DataFrame(schema=OUTLOOK_SCHEMA))
    assert told(tmp_path, 0, nothing)[1] == {}
    empty = ReconciliationSummary(pl.DataFrame(schema=RECONCILIATION_SCHEMA), ())
    assert told(tmp_path, 1, empty) == ({"dagster/row_count": 0, "invoiced_usd": 0.0, "unexplained_usd": 0.0}, {})


def test_an_invoice_of_which_too_much_stays_unexplained_is_a_warning(tmp_path: Path) -> None:
    row = {
        "cost_center": "acme",
        "period_start": date(2026, 1, 1),
        "period_end": date(2026, 1, 31),
        "position": 10,
        "cause": "unexplained",
        "amount_usd": 20,
        "estimated": False,
        "invoice_usd": 520,
    }
    rows = pl.DataFrame([row], RECONCILIATION_SCHEMA)
    figures, checks = told(tmp_path, 1, ReconciliationSummary(rows, ("acme: $20.00 of $520.00 stay unexplained",)))
    assert (figures["invoiced_usd"], figures["unexplained_usd"]) == (520, 20)
    assert checks == {"invoices_explained": "acme: $20.00 of $520.00 stay unexplained"}
