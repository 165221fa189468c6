"""`cost_anomalies` and `anomaly_incidents`: made from daily and allocated costs."""
