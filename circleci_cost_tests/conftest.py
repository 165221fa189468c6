"""What the whole session of tests has in common: compiled bytecode is kept, and its end says what could not run."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from circleci_cost_tests.explorer.missing_browser import summary

# Else each worker compiles all tests anew, and each of the hundred processes that they start the whole package.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# On a machine that is busy, an example of a property may take a second: that is no failure.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say last and loudly that browser tests did not run; here, because xdist's controller reads no other conftest."""
    yield
    if line := summary(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, red=True, bold=True)
