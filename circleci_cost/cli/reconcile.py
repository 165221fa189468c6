"""`reconcile`: shows how computed costs lead to the invoices, as tables or JSON."""

import click
import polars as pl

from circleci_cost.cli.edited import say_edited
from circleci_cost.cli.invocation import Invocation, invocation
from circleci_cost.cli.streams import results, say, shown, write_json
from circleci_cost.cli.unusable_files import say_partial
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.credits.text import PART_HEADER, invoice_title, part_cells, unexplained_hint
from circleci_cost.text.amounts import dollars
from circleci_cost.warehouse.credits.published_credits import reconciliation_json
from circleci_cost.warehouse.credits.reconciliation import read_reconciliation
from circleci_cost.warehouse.publishing.generations import Generation, current_generation

_HOW_TO_ENTER = (
    "No invoices are written down, so there is nothing to compare; add one to {source}: a section "
    '[[cost_centers.invoices]] with period = "2026-10" and amount = 4125.00. `circleci-cost help credits` shows how.'
)


@click.command()
@click.option("--json", "as_text", is_flag=True, help="Write JSON: exact decimals as strings.")
@invocation
def reconcile(call: Invocation, *, as_text: bool) -> None:
    """Compare invoices with the computed cost of their days, cause by cause.

    The parts add up to the invoice, to the last digit; what nothing explains is shown as unexplained. Invoices are what
    the configuration says: CircleCI has no API for them.
    """
    settings = call.settings()
    usable = usable_credits(settings)
    generation = current_generation(open_lake(settings.data_dir))
    with generation.connect() as connection:
        rows = read_reconciliation(connection, generation)
    if as_text:
        write_json(reconciliation_json(generation, rows))
    elif rows.height:
        _write(generation, rows)
    missing = {center.cost_center for center in usable.invoiced} - set(rows["cost_center"])
    if missing:
        say(f"Note: The invoices of {', '.join(sorted(missing))} are not compared yet; {generation.how_to_publish}.")
    elif rows.is_empty() and not usable.problems:
        say(_HOW_TO_ENTER.format(source=settings.described_source))
    say_partial(usable.problems)
    say_edited(settings, generation)


def _write(generation: Generation, rows: pl.DataFrame) -> None:
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    console = results()
    columns = [Column(name, right=name == "USD", name=name == "why") for name in PART_HEADER]
    for period in rows.partition_by("cost_center", "period_start", "period_end", maintain_order=True):
        parts = period.to_dicts()
        console.paragraph(shown(f"{invoice_title(parts[0])}: {dollars(parts[0]['invoice_usd'])} billed"), "bold")
        texts = [[Text(shown(cell)) for cell in part_cells(row)] for row in parts]
        console.print(fitted(columns, texts, console.width))
        console.print()
    if hint := unexplained_hint(rows):
        console.paragraph(hint)
    console.print(generation.manifest.through_sentence, style="dim")
