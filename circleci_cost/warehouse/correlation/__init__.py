"""`cost_correlations` and `incident_services`: made and read."""
