from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from pydantic import ValidationError

from circleci_cost.model.efficiency.observed_rates import disagreements, rates_in_use
from circleci_cost.model.efficiency.rate_definition import ResourceClassRate, refuse_overlaps
from circleci_cost.model.efficiency.rates import rates_on, shipped_rates
from circleci_cost.simulator.scenario import CREDITS_PER_MINUTE

DAY = date(2026, 11, 1)


def rate(executor: str, name: str, rates: pl.DataFrame) -> dict[str, object]:
    return rates.row(by_predicate=(pl.col("executor") == executor) & (pl.col("resource_class") == name), named=True)


def observed(executor: str, name: str, per_minute: float, runs: int = 40) -> dict[str, object]:
    """Runs of ten minutes each, whose credits were rounded up."""
    credits = Decimal(str(runs * (per_minute * 10 + 0.5)))
    return {
        "executor": executor,
        "resource_class": name,
        "runs": runs,
        "seconds": runs * 600,
        "credits": credits,
    }


def in_use(*runs: dict[str, object], own: tuple[ResourceClassRate, ...] = ()) -> pl.DataFrame:
    schema = pl.Schema(
        {
            "executor": pl.String(),
            "resource_class": pl.String(),
            "runs": pl.Int64(),
            "seconds": pl.Int64(),
            "credits": pl.Decimal(38, 6),
        }
    )
    return rates_in_use(rates_on(DAY, own), pl.DataFrame(list(runs), schema=schema))


def test_no_class_has_two_rates_on_one_day() -> None:
    refuse_overlaps(shipped_rates())
    names = [(each.executor, each.resource_class) for each in shipped_rates()]
    assert len(names) > 25
    assert rates_on(DAY).height == len(set(names))


def test_the_rates_are_those_that_the_simulator_charges() -> None:
    table = {(row[0], row[1]): int(row[2]) for row in
             rates_on(DAY).select("executor", "resource_class", "credits_per_minute").iter_rows()}  # fmt: skip
    assert {key: table.get(key) for key in CREDITS_PER_MINUTE} == CREDITS_PER_MINUTE


def test_a_generation_has_a_rate_from_its_first_day_on() -> None:
    assert rates_on(date(2026, 4, 30)).filter(pl.col("generation") > 1).is_empty()
    gen2 = rate("docker", "large.gen2", rates_on(date(2026, 5, 1)))
    assert (gen2["generation"], gen2["family"], gen2["credits_per_minute"]) == (2, "docker", Decimal(24))
    assert rate("machine", "arm.large", rates_on(DAY))["family"] == "machine arm"


def test_a_configured_rate_takes_the_place_of_the_shipped_one_and_keeps_its_size() -> None:
    own = ResourceClassRate(executor="docker", resource_class="large", credits_per_minute=Decimal(18))
    large = rate("docker", "large", rates_on(DAY, [own]))
    assert (large["credits_per_minute"], large["vcpus"], large["ram_gb"], large["source"]) == (
        Decimal(18), 4.0, 8.0, "configured",
    )  # fmt: skip


def test_a_configured_rate_holds_on_its_days_only() -> None:
    own = ResourceClassRate(
        executor="docker", resource_class="large", credits_per_minute=Decimal(18), effective_until=date(2026, 10, 31)
    )
    assert rate("docker", "large", rates_on(DAY, [own]))["credits_per_minute"] == Decimal(20)


def test_two_configured_rates_of_one_day_are_refused() -> None:
    first = ResourceClassRate(executor="docker", resource_class="large", credits_per_minute=Decimal(18))
    second = first.model_copy(update={"effective_from": date(2026, 7, 1)})
    with pytest.raises(ValueError, match="two rates of docker large from 2026-07-01 on"):
        refuse_overlaps([first, second])
    ended = first.model_copy(update={"effective_until": date(2026, 6, 30)})
    refuse_overlaps([ended, second])


def test_a_size_of_half_is_refused() -> None:
    with pytest.raises(ValidationError, match="vcpus and ram_gb go together"):
        ResourceClassRate(executor="docker", resource_class="large", credits_per_minute=Decimal(18), vcpus=Decimal(4))


def test_a_class_that_costs_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        ResourceClassRate(executor="docker", resource_class="large", credits_per_minute=Decimal(0))


def test_the_export_wins_over_the_shipped_table_and_both_are_named() -> None:
    rates = in_use(observed("docker", "large", 24.04))
    assert rate("docker", "large", rates)["credits_per_minute"] == Decimal("24.0")
    assert disagreements(rates) == [
        "docker large costs 24.0 credits a minute in the export, 20 in the table; the export's is used"
    ]


def test_a_rate_within_three_percent_is_the_one_of_the_table() -> None:
    rates = in_use(observed("docker", "large", 20.5))
    assert rate("docker", "large", rates)["credits_per_minute"] == Decimal(20)
    assert disagreements(rates) == []


def test_a_configured_rate_stays_and_the_contradiction_is_named() -> None:
    own = ResourceClassRate(executor="docker", resource_class="large", credits_per_minute=Decimal(18))
    rates = in_use(observed("docker", "large", 20), own=(own,))
    assert rate("docker", "large", rates)["credits_per_minute"] == Decimal(18)
    assert disagreements(rates) == [
        "docker large costs 20.0 credits a minute in the export, 18 in the table; the configured rate is used"
    ]


def test_few_runs_show_no_rate_and_a_class_that_the_table_lacks_gets_the_exports() -> None:
    rates = in_use(observed("docker", "large", 24, runs=19), observed("machine", "windows.large", 80))
    assert rate("docker", "large", rates)["credits_per_minute"] == Decimal(20)
    unknown = rate("machine", "windows.large", rates)
    assert (unknown["credits_per_minute"], unknown["vcpus"], unknown["family"], unknown["source"]) == (
        Decimal(80), None, "machine windows", "observed",
    )  # fmt: skip
    assert disagreements(rates) == []
