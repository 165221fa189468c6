"""What every cost center bought: the purchases of the configuration and of its CSV files, checked together.

`model.credits.files` reads one file; `model.credits.purchases` makes lots of purchases and plans.
"""

from dataclasses import dataclass

from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.credits.files import check_together, read_purchases
from circleci_cost.model.credits.purchases import CenterCredits
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.named_files.file_problem import FileProblem


@dataclass(frozen=True)
class UsableCredits:
    """The cost centers with credits written down, those without by name, those with invoices, and unusable files."""

    centers: tuple[CenterCredits, ...]
    without: tuple[str, ...]
    invoiced: tuple[CenterCredits, ...]
    problems: tuple[FileProblem, ...]


def usable_credits(settings: Settings) -> UsableCredits:
    """The purchases and plans of all cost centers; of one with an unusable file nothing.

    With a part of the purchases a balance would be too low, and builds would seem to stop.
    """
    usable: list[CenterCredits] = []
    problems: list[FileProblem] = []
    for center in settings.cost_centers:
        credits, found = _of_center(settings, center)
        problems += found
        if not found:
            usable.append(credits)
    return UsableCredits(
        tuple(center for center in usable if not center.is_empty),
        tuple(center.cost_center for center in usable if center.is_empty),
        tuple(center for center in usable if center.invoices),
        tuple(problems),
    )


def _of_center(settings: Settings, center: CostCenter) -> tuple[CenterCredits, list[FileProblem]]:
    placed = [
        (purchase, f"purchases[{index}] of {center.name} in {settings.described_source}")
        for index, purchase in enumerate(center.purchases)
    ]
    problems = []
    for file in center.purchase_files:
        path = settings.resolve(file)
        try:
            more = [*placed, *read_purchases(path)]
            check_together(more, center.plan)
        except ConfigurationError as error:
            consequence = f"Until then the credits of {center.name} are left out."
            problems.append(FileProblem("credits", path, str(error), consequence))
        else:
            placed = more
    purchases = tuple(purchase for purchase, _ in placed)
    return CenterCredits(center.name, purchases, center.plan, center.invoices), problems
