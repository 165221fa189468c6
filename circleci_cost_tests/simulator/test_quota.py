from datetime import timedelta

from circleci_cost.clock import ManualClock
from circleci_cost.simulator.quota import Quota


def test_the_window_slides_and_refusals_do_not_count(clock: ManualClock) -> None:
    quota = Quota(2, timedelta(seconds=60), clock)
    assert quota.take("a") is None
    clock.advance(timedelta(seconds=20))
    assert quota.take("a") is None
    assert [quota.take("a"), quota.take("a")] == [40, 40]
    assert quota.take("b") is None
    clock.advance(timedelta(seconds=40))
    assert quota.take("a") is None
    assert quota.take("a") == 20


def test_a_quota_of_nothing_refuses_all(clock: ManualClock) -> None:
    assert Quota(0, timedelta(hours=1), clock).take("a") == 3600
