-- The infrastructure series whose level shifted around one incident, the surest first.
SELECT
    infrastructure_series,
    date,
    step,
    p_value,
    q_value,
    sentence
FROM incident_services
WHERE incident_id = $incident_id
ORDER BY q_value, infrastructure_series;
