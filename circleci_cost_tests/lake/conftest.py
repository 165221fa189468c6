"""A lake of its own for each test."""

from pathlib import Path

import pytest

from circleci_cost.lake.layout import Lake, open_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return open_lake(tmp_path / "data")
