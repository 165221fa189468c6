"""A test that fails is named by a parallel run, whatever its message quotes."""

import execnet
import pytest


def test_a_failure_that_quotes_half_a_surrogate_pair_can_be_sent(pytestconfig: pytest.Config) -> None:
    location = ("test_x.py", 1, "test_x")
    failed = pytest.TestReport(
        "test_x", location, {}, "failed", "quotes \ud83d", "call", sections=[("Captured log call", "and \udc80")]
    )
    sent = pytestconfig.hook.pytest_report_to_serializable(config=pytestconfig, report=failed)
    received = pytestconfig.hook.pytest_report_from_serializable(
        config=pytestconfig, data=execnet.loads(execnet.dumps(sent))
    )
    assert received.longrepr == "quotes \\ud83d"
    assert received.sections == [("Captured log call", "and \\udc80")]
    assert received.location == location
