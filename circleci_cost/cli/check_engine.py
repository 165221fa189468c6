"""What `check` finds about a server that prices: whether it is there, lets us in, and counts exactly.

Whether it sees the job runs shows when it prices some.
"""

from collections.abc import Iterator

from circleci_cost.cli.findings import Finding
from circleci_cost.config.settings import Settings
from circleci_cost.engines.spark_connect import SparkConnect
from circleci_cost.errors import CircleciCostError


def engine_findings(settings: Settings) -> Iterator[Finding]:
    """Ask the server of the configuration for known values; nothing where DuckDB prices."""
    if not settings.engine.is_server:
        return
    try:
        with SparkConnect(settings.engine, str(settings.data_dir)) as engine:
            engine.proved()
    except CircleciCostError as error:
        yield Finding("engine", "error", str(error), error.exit_code)
    else:
        yield Finding("engine", "ok", f"{settings.engine.server} answers, and counts exactly")
