"""FOCUS, the FinOps Open Cost and Usage Specification: its columns, SKUs of CircleCI, and what receivers accept."""
