"""Fixtures of the source's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from circleci_cost_tests.circleci.harness import Harness, running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Harness]:
    """A running simulator of an organization with three parts."""
    with running(tmp_path) as harness:
        yield harness
