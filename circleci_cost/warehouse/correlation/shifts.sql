-- What shifted around incidents: the newest incident first, its surest shift at the top.
SELECT
    incident_id,
    incidents.series,
    incidents.kind,
    incidents.first_day,
    services.infrastructure_series,
    services.date,
    services.step,
    services.q_value,
    services.sentence
FROM incident_services AS services
JOIN anomaly_incidents AS incidents USING (incident_id)
ORDER BY incidents.first_day DESC, incident_id, services.q_value, services.infrastructure_series;
