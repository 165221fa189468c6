"""Fixtures of the pipeline's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from circleci_cost_tests.pipeline.harness import Site, running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One cost center of two organizations, nothing imported yet."""
    with running(tmp_path) as opened_site:
        yield opened_site
