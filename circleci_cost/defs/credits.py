"""The assets about what is paid for credits: credit_ledger, and reconciliation of invoices with computed costs."""

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal

import dagster as dg

from circleci_cost.assets import CREDIT_LEDGER, RECONCILIATION
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings
from circleci_cost.defs import metadata
from circleci_cost.defs.check_results import check_specs, failure, warning
from circleci_cost.defs.derived_assets import DerivedAsset, build_derived_asset
from circleci_cost.model.credits.findings import expiring, running_out
from circleci_cost.model.credits.reconciliation import Cause
from circleci_cost.model.credits.text import PART_HEADER, TABLE_HEADER, cells, invoice_title, part_cells
from circleci_cost.warehouse.credits.credit_ledger import CreditSummary
from circleci_cost.warehouse.credits.reconciliation import ReconciliationSummary
from circleci_cost.warehouse.derived import Derivation

_CHECKS = {
    "purchases_readable": "Every file of purchases could be used; a cost center with one that could not is left out.",
    "purchases_complete": "Purchases pay for all credits used since the first one, and none is older than the usage.",
    "credits_last": "Credits last for 30 days or more, and no paid ones will expire unused.",
}


_INVOICE_CHECKS = {"invoices_explained": "Of every invoice at most the share max_unexplained stays unexplained."}


def build_credit_assets(settings: Settings) -> list[DerivedAsset]:
    """The assets `credit_ledger` and `reconciliation`; without purchases or invoices they are empty."""
    return [_ledger(settings), _reconciliation(settings)]


def _ledger(settings: Settings) -> DerivedAsset:
    return build_derived_asset(
        CREDIT_LEDGER,
        settings,
        Derivation.reckon_credits,
        lambda summary, _: _result(summary),
        code_version=_ledger_hash(settings),
        kinds={"duckdb", "polars"},
        check_specs=check_specs(CREDIT_LEDGER, _CHECKS),
        description=(
            "What of each lot of prepaid credits was used, expired and left on each day: oldest first, exactly. Grain: "
            "lot × day; usage that no lot paid for is in rows of the kind uncovered. Never add up bought and left "
            "credits over days. credit_outlook says when credits run out, credit_forecast each day of the coming year."
        ),
    )


def _reconciliation(settings: Settings) -> DerivedAsset:
    return build_derived_asset(
        RECONCILIATION,
        settings,
        Derivation.reconcile,
        lambda summary, _: _reconciled(summary),
        code_version=_hash(repr(center) for center in usable_credits(settings).invoiced),
        kinds={"duckdb", "polars"},
        check_specs=check_specs(RECONCILIATION, _INVOICE_CHECKS),
        description=(
            "Invoices against the computed cost of their days, the difference by cause. Grain: cost center × billing "
            "period × cause. The amounts of a period add up to the invoice, to the last digit; what no cause explains "
            "is the cause unexplained."
        ),
    )


def _ledger_hash(settings: Settings) -> str:
    """A hash of what was bought, of the problems in files, and of the days off that usage depends on."""
    usable = usable_credits(settings)
    content = [
        *(repr((center.cost_center, center.purchases, center.plan)) for center in usable.centers),
        *map(str, usable.problems),
        settings.calendar.model_dump_json() if usable.centers else "",
    ]
    return _hash(content)


def _hash(content: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


def _result(summary: CreditSummary) -> metadata.Materialized:
    return dg.MaterializeResult(metadata=_metadata(summary), check_results=list(_checks(summary)))


def _metadata(summary: CreditSummary) -> dict[str, metadata.Value]:
    outlook = summary.outlook
    values: dict[str, metadata.Value] = {
        "dagster/row_count": summary.rows,
        "lots": summary.lots,
        "balance_credits": metadata.number(sum(outlook["balance_credits"], Decimal(0))),
        "balance_usd": metadata.number(sum(outlook["balance_usd"], Decimal(0))),
    }
    if outlook.height:
        values["credits"] = metadata.table(TABLE_HEADER, map(cells, outlook.iter_rows(named=True)))
    return values


def _checks(summary: CreditSummary) -> Iterator[dg.AssetCheckResult]:
    yield failure("purchases_readable", map(str, summary.problems))
    yield warning("purchases_complete", summary.findings)
    yield warning("credits_last", [*running_out(summary.outlook), *expiring(summary.outlook)])


def _reconciled(summary: ReconciliationSummary) -> metadata.Materialized:
    rows = summary.rows
    rest = rows.filter(cause=Cause.UNEXPLAINED.value)
    values: dict[str, metadata.Value] = {
        "dagster/row_count": rows.height,
        "invoiced_usd": metadata.number(sum(rest["invoice_usd"], Decimal(0))),
        "unexplained_usd": metadata.number(sum(rest["amount_usd"], Decimal(0))),
    }
    if rows.height:
        values["parts"] = metadata.table(
            ("invoice", *PART_HEADER), ((invoice_title(row), *part_cells(row)) for row in rows.iter_rows(named=True))
        )
    return dg.MaterializeResult(metadata=values, check_results=[warning("invoices_explained", summary.findings)])
