"""Reads incidents, and explains them: `anomaly_drivers`."""
