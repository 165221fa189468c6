"""The display names of charge types (from their list), of dimensions, and of the drivers of a change.

Keys (`user`, `minutes_per_run`) are public and stay as they are in JSON, CSV, filters and the configuration.
"""

from circleci_cost.model.usage.charge_types import CHARGES

CHARGE_TYPE_NAMES = {charge.name: charge.shown for charge in CHARGES}
_DRIVER_NAMES = {
    "runs": "runs",
    "minutes_per_run": "minutes per run",
    "credits_per_minute": "credits per minute",
    "price": "price per credit",
    "mix": "jobs moved between classes",
    "new": "new jobs",
    "vanished": "vanished jobs",
    "unpriced": "jobs without a price for some days",
    **{key: name for key, name in CHARGE_TYPE_NAMES.items() if key != "compute"},
}
_ONE_JOB = {"new": "new job", "vanished": "vanished job", "mix": "job moved between classes"}


def driver_name(driver: str, *, one_job: bool = False) -> str:
    """A driver's display name; in the singular for a single job."""
    return _ONE_JOB.get(driver, _DRIVER_NAMES[driver]) if one_job else _DRIVER_NAMES[driver]


def charge_type_with_key(charge_type: str) -> str:
    """A charge type's display name, with the key to filter by where that is another word: `seats (user)`."""
    name = CHARGE_TYPE_NAMES.get(charge_type, charge_type)
    return name if name == charge_type else f"{name} ({charge_type})"


def dimension_name(dimension: str) -> str:
    """The display name of a dimension or level: `resource class`."""
    return dimension.replace("_", " ")
