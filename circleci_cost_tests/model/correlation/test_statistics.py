"""The rates of false discoveries, beside SciPy's."""

import numpy as np
import pytest

from circleci_cost.model.correlation.statistics import false_discovery_rates


@pytest.mark.parametrize("count", [0, 1, 2, 5, 300])
def test_the_rates_of_the_tested_are_scipy_s_to_the_last_bit_and_nobody_else_has_one(count: int) -> None:
    from scipy.stats import false_discovery_control

    draw = np.random.default_rng(count)
    # Two digits: many are equal.
    p_value, tested = np.round(draw.random(count) ** 3, 2), draw.random(count) < 0.7
    rates = false_discovery_rates(p_value, tested)
    assert np.isnan(rates[~tested]).all()
    if tested.any():
        assert rates[tested].tolist() == false_discovery_control(p_value[tested]).tolist()
