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
    """The cost centers that have credits written down, and the files that keep others out."""

    centers: tuple[CenterCredits, ...]
    problems: tuple[FileProblem, ...]


def usable_credits(settings: Settings) -> UsableCredits:
    """The purchases and plans of all cost centers; of one with an unusable file nothing.

    With a part of the purchases a balance would be too low, and builds would seem to stop.
    """
    centers: list[CenterCredits] = []
    problems: list[FileProblem] = []
    for center in settings.cost_centers:
        credits, found = _of_center(settings, center)
        problems += found
        if not found and not credits.is_empty:
            centers.append(credits)
    return UsableCredits(tuple(centers), tuple(problems))


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
    return CenterCredits(center.name, tuple(purchase for purchase, _ in placed), center.plan), problems
