"""Daily costs against an independent computation from the generator's rows."""

from datetime import date
from pathlib import Path

from circleci_cost_tests.pipeline.harness import Price, hooli, initech, running
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import NOW, YESTERDAY

FIRST = date(2024, 3, 1)


def test_daily_costs_equal_the_generators_rows_to_the_last_digit(tmp_path: Path) -> None:
    centers = initech(Price("0.00061", "2022-01-01")) | hooli(Price("0.0005999", "2022-01-01"))
    with running(tmp_path, centers) as site:
        for name in centers:
            site.price(name, FIRST, YESTERDAY)
        costs = found_costs(site.daily_costs().to_dicts())
        assert costs == expected_costs(site.simulator.scenario, centers, FIRST, YESTERDAY, NOW)
        assert len(costs) > 200
