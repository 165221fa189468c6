"""The section `[publish]`: what a published generation holds beside the Parquet files."""

from circleci_cost.sections.section import Section


class Publish(Section):
    """`[publish]`: with `duckdb`, each generation has a DuckDB file of all tables, for tools that want a database."""

    duckdb: bool = False
