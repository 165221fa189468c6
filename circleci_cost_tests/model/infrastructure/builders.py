"""Builds files of infrastructure costs and their sections for tests."""

from collections.abc import Callable, Mapping
from pathlib import Path

from circleci_cost.model.infrastructure.definition import Infrastructure

HEADER = "ChargePeriodStart,ChargePeriodEnd,EffectiveCost,BillingCurrency,ProviderName,ServiceName"
DEFAULTS = {
    "ChargePeriodStart": "2026-01-01T00:00:00Z",
    "ChargePeriodEnd": "2026-01-02T00:00:00Z",
    "EffectiveCost": "1.5",
    "BillingCurrency": "USD",
    "ProviderName": "AWS",
    "ServiceName": "EC2",
}


def focus_csv(*rows: Mapping[str, str]) -> str:
    """A FOCUS file: a row per mapping, which holds the differences from `DEFAULTS` and may name further columns."""
    columns = list(dict.fromkeys([*DEFAULTS, *(name for row in rows for name in row)]))
    lines = [columns, *([(DEFAULTS | dict(row)).get(name, "") for name in columns] for row in rows)]
    return "".join(",".join(_quoted(cell) for cell in line) + "\n" for line in lines)


def daily(costs: Mapping[str, str], **more: str) -> str:
    """A FOCUS file with a charge for each day of January 2026, such as {"03": "1.5"}."""
    return focus_csv(
        *(
            {
                "ChargePeriodStart": f"2026-01-{day}T00:00:00Z",
                "ChargePeriodEnd": f"2026-01-{day}T23:59:59Z",
                "EffectiveCost": cost,
                **more,
            }
            for day, cost in costs.items()
        )
    )


def source(files: str | tuple[str, ...] = "*.csv", **keys: object) -> Infrastructure:
    """A section as the configuration reads it."""
    return Infrastructure.model_validate({"name": "aws", "files": files, **keys})


def below(folder: Path) -> Callable[[Path], Path]:
    """A function that makes relative paths absolute, as `Settings.resolve` does."""
    return lambda file: folder / file


def _quoted(cell: str) -> str:
    if any(character in cell for character in ',"\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell
