"""The DuckDB warehouse: one writer at a time, short transactions, one SQL file per table."""
