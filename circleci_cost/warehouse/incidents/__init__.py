"""Incidents read, and why each came about: `anomaly_drivers`."""
