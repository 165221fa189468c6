"""Costs as FOCUS rows: charges of a grain, mapped to columns, written to files."""
