"""The bounds against every way in which samples could lie, for runs whose samples are known."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.model.efficiency.slowdown import time_factors

USE = st.floats(0, 1)


def factors(median: float, maximum: float, k: float) -> tuple[float, float, float]:
    frame = pl.DataFrame({"median": [median], "maximum": [maximum]})
    best, likely, worst = frame.select(
        factor.alias(name)
        for name, factor in zip("abc", time_factors(pl.col("median"), pl.col("maximum"), k), strict=True)
    ).row(0)
    return best, likely, worst


@settings(max_examples=50, deadline=None)
@given(st.lists(USE, min_size=1, max_size=15), st.sampled_from((0.25, 0.5, 0.75)))
def test_on_fewer_vcpus_the_time_lies_between_the_bounds_however_the_samples_lie(uses: list[float], k: float) -> None:
    samples = np.sort(np.array(uses * 2))
    # Half of the samples are not above the median; of an even number the upper one of the middle pair.
    best, likely, worst = factors(float(np.median(samples)), float(samples.max()), k)
    evenly = np.maximum(1, samples / k).mean()
    in_bursts = (1 + samples * (1 / k - 1)).mean()
    assert best - 1e-9 <= evenly <= in_bursts <= worst + 1e-9
    assert 1 <= best <= likely + 1e-9
    assert likely <= worst + 1e-9
    assert worst <= 1 / k + 1e-9


def test_a_job_that_leaves_half_of_its_vcpus_idle_need_not_become_slower_on_half_of_them() -> None:
    assert factors(0.4, 0.5, 0.5) == (1.0, 1.0, 1.45)


def test_a_saturated_job_takes_twice_as_long_on_half_of_the_vcpus() -> None:
    best, likely, worst = factors(1.0, 1.0, 0.5)
    assert (best, likely, worst) == (1.5, 2.0, 2.0)


def test_on_more_vcpus_only_saturated_time_gains_and_at_worst_none() -> None:
    assert factors(0.3, 0.5, 2.0) == (0.8, 1.0, 1.0)
    assert factors(0.96, 1.0, 2.0) == (0.51, 0.51, 1.0)


@settings(max_examples=20, deadline=None)
@given(USE, USE, st.sampled_from((1.5, 2.0)))
def test_on_more_vcpus_what_is_likely_lies_between_the_bounds(one: float, other: float, k: float) -> None:
    best, likely, worst = factors(min(one, other), max(one, other), k)
    assert 1 / k - 1e-9 <= best <= likely + 1e-9
    assert likely <= worst == 1
