"""Anomalies grouped by cause: one incident per cause, with its impact and its state."""
