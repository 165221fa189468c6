"""What is said where there is no browser: as the reason of each skipped test, and once at the end of the session."""

from collections.abc import Iterable

import pytest

NO_BROWSER = "no browser for this test"


def summary(skipped: Iterable[pytest.TestReport]) -> str | None:
    """Return the one line about the tests that did not run for lack of a browser; None where all ran."""
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple | list)]
    missed = [reason for reason in reasons if NO_BROWSER in reason]
    if not missed:
        return None
    why = missed[0].partition(f"{NO_BROWSER}: ")[2]
    return (
        f"explorer: NO BROWSER FOUND ({why}), {len(missed)} browser tests did not run; "
        "install chromium or set CIRCLECI_COST_CHROMIUM"
    )
