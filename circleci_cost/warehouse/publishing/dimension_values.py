"""Makes the published table of all values of every dimension, id and virtual tag.

Readers look a filter's value up in it: to find the values in millions of costs takes seconds. It is read in
`warehouse.core.cost_rows`.
"""

import duckdb

from circleci_cost.model.usage.dimensions import COST_DIMENSIONS, IDS
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.statements import sql


def find_values(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `dimension_values` with the values of the warehouse's costs."""
    connection.execute("DELETE FROM dimension_values")
    # All dimensions are in one view, all tags in another: to make a view takes as long as to ask it.
    made = set()
    for name in (*(dimension.name for dimension in COST_DIMENSIONS), *IDS, *_tags(connection)):
        rows = rows_for([name])
        if rows.view not in made:
            make_view(connection, rows)
            made.add(rows.view)
        query = sql("publishing/dimension_values").format(view=rows.view, column=rows.column(name))
        connection.execute(query, {"dimension": name, "tag": rows.tag})


def _tags(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT tag FROM allocated_costs ORDER BY tag").fetchall()
    return [tag for (tag,) in rows]
