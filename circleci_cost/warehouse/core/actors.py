"""The actors of the configuration, known to a connection.

The rule itself is the macro `actor_kind`; rows written before take other patterns in `costs.current_names`.
"""

from collections.abc import Mapping

import duckdb


def use_actors(connection: duckdb.DuckDBPyConnection, patterns: Mapping[str, str]) -> None:
    """Let the macro `actor_kind` use these patterns, from `Actors.patterns`, instead of the defaults."""
    kinds = ", ".join(f"{name} VARCHAR" for name in patterns)
    connection.execute(f"SET VARIABLE actors = CAST($patterns AS STRUCT({kinds}))", {"patterns": dict(patterns)})
