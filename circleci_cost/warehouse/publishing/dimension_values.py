"""Makes the published table of all values of every dimension, id and virtual tag.

Readers look a filter's value up in it: to find the values in millions of costs takes seconds. It is read in
`warehouse.core.cost_rows`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from circleci_cost.model.usage.dimensions import COST_DIMENSIONS, IDS
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.statements import sql

_TABLE = """
CREATE OR REPLACE TEMPORARY TABLE dimension_values (
    dimension VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    first_date DATE NOT NULL,
    last_date DATE NOT NULL,
    credits DECIMAL(38, 6) NOT NULL
)
"""


@contextmanager
def dimension_values(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have the table `dimension_values` of the warehouse's costs; it goes with the block."""
    connection.execute(_TABLE)
    try:
        for name in (*(dimension.name for dimension in COST_DIMENSIONS), *IDS, *_tags(connection)):
            rows = rows_for([name])
            make_view(connection, rows)
            query = sql("publishing/dimension_values").format(view=rows.view, column=rows.column(name))
            connection.execute(query, {"dimension": name, "tag": rows.tag})
        yield
    finally:
        # After a failed transaction DuckDB refuses this; the original error is kept, and the next table replaces it.
        with suppress(duckdb.Error):
            connection.execute("DROP TABLE temp.dimension_values")


def _tags(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT tag FROM allocated_costs ORDER BY tag").fetchall()
    return [tag for (tag,) in rows]
