"""The findings of `check` about prices: days without one, a price that ends, a price of 0, each with its line.

`timeline` draws the timeline below the findings.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from circleci_cost.cli.findings import Finding
from circleci_cost.cli.timeline import gaps_of
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.pricing.definition import CostCenter
from circleci_cost.model.pricing.price_gaps import say_gaps
from circleci_cost.model.pricing.timeline import ends_without_successor
from circleci_cost.sections.key_lines import line_of
from circleci_cost.sections.toml_file import read_text
from circleci_cost.text.units import counted


def price_findings(settings: Settings, today: date) -> Iterator[Finding]:
    """Check the prices of all cost centers. Raises `ConfigurationError` where the file was removed meanwhile."""
    text = read_text(settings.source_file) if settings.source_file else ""
    unpriced = gaps_of(settings, today)
    for index, center in enumerate(settings.cost_centers):
        if ranges := unpriced.get(center.name):
            days = sum(day_range.days for day_range in ranges)
            before = _entry_before(center, ranges[0].first)
            yield Finding(
                "prices",
                "error",
                f"{center.name}: no price on {say_gaps(ranges)} ({counted(days, 'day')}); usage there stays "
                "unpriced, never $0: add a [[cost_centers.pricing]] section for these days"
                f"{_place(settings, text, index, before)}",
                ConfigurationError.exit_code,
            )
        if end := ends_without_successor(center, today):
            last = next(at for at, period in enumerate(center.pricing) if period.effective_until == end)
            yield Finding(
                "prices",
                "warning",
                f"{center.name}: the price ends on {end} and none follows; usage after that day will be unpriced"
                f"{_place(settings, text, index, last)}",
            )
        for at, price in enumerate(center.pricing):
            if not price.price_per_credit:
                yield Finding(
                    "prices",
                    "ok",
                    f"{center.name}: the price is 0 from {price.effective_from} to "
                    f"{price.effective_until or 'now'}, so every cost is $0, as on a free plan"
                    f"{_place(settings, text, index, at)}",
                )
    if not unpriced:
        yield Finding("prices", "ok", f"every day since {settings.history_start} has one")


def _entry_before(center: CostCenter, gap: date) -> int | None:
    """The entry that ends where the gap begins, else the first one after it; None where there is no price."""
    order = sorted(range(len(center.pricing)), key=lambda at: center.pricing[at].effective_from)
    ending = [at for at in order if center.pricing[at].effective_until == gap - timedelta(days=1)]
    return next(iter([*ending, *order]), None)


def _place(settings: Settings, text: str, center: int, entry: int | None) -> str:
    """The place in the file, such as " (circleci_cost.toml, line 12)"; empty for the demo."""
    location: list[str | int] = ["cost_centers", center]
    line = line_of(text, location if entry is None else [*location, "pricing", entry])
    return f" ({settings.source_file}, line {line})" if line else ""
