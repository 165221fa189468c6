"""The DuckDB warehouse: one writer at a time, short transactions; a package a subject, its SQL beside its Python."""
