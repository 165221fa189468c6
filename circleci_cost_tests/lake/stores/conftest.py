"""A folder in a new bucket for each test."""

import pytest

from circleci_cost.lake.stores.paths import StorePath
from circleci_cost_tests.s3_server import S3Server


@pytest.fixture
def folder(s3: S3Server) -> StorePath:
    """An empty data directory in the store."""
    return StorePath(f"s3://{s3.new_bucket()}/company/lake")
