"""A Spark Connect server for the whole session: Sail, begun by the first test that asks for it.

With CIRCLECI_COST_SPARK_CONNECT=sc://HOST:PORT the tests ask that server on this machine instead, such as Apache Spark.
"""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def spark() -> Iterator[str]:
    """The address of the server."""
    if url := os.environ.get("CIRCLECI_COST_SPARK_CONNECT"):
        yield url
        return
    os.environ.setdefault("RUST_LOG", "off")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    yield f"sc://127.0.0.1:{server.listening_address[1]}"
    server.stop()
