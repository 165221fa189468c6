"""The actors of the configuration in the warehouse: known to its connection, and in the rows written before.

The rule itself is the macro `actor_kind`; the columns follow from the list of dimensions.
"""

from collections.abc import Mapping

import duckdb

from circleci_cost.warehouse.core.statements import sql


def use_actors(connection: duckdb.DuckDBPyConnection, patterns: Mapping[str, str]) -> None:
    """Let the macro `actor_kind` use these patterns, from `Actors.patterns`, instead of the defaults."""
    kinds = ", ".join(f"{name} VARCHAR" for name in patterns)
    connection.execute(f"SET VARIABLE actors = CAST($patterns AS STRUCT({kinds}))", {"patterns": dict(patterns)})


def rename_actors(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the daily costs of all days the kinds that the patterns say now; in the caller's transaction."""
    connection.execute(sql("efficiency/rename_actors"))
