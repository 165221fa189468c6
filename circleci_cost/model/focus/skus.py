"""What CircleCI sells, as FOCUS names it: a SKU for each charge type, one for each class of compute, one for credits.

A charge type that CircleCI adds gets its SKU from its own name.
"""

from circleci_cost.model.usage.charge_types import CHARGES, ChargeType
from circleci_cost.text.sentences import sentence_case

COMPUTE = "compute"


def sku_id(charge: ChargeType) -> str:
    """The SKU of a charge type; that of compute goes on with executor and resource class."""
    return charge.slug or charge.name.replace("_", "-")


def meter(charge: ChargeType) -> str:
    """What is measured, for people: the display name of the charge type with a capital letter."""
    return sentence_case(charge.shown)


SKUS: dict[str, str] = {charge.name: sku_id(charge) for charge in CHARGES}
METERS: dict[str, str] = {charge.name: meter(charge) for charge in CHARGES}
