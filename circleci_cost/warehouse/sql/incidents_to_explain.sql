-- The newest incidents, as the drivers take them.
SELECT
    incident_id,
    first_day,
    last_day,
    kind,
    cost_center,
    organization,
    project,
    workflow,
    job,
    charge_type,
    tag,
    tag_value AS value
FROM anomaly_incidents
ORDER BY last_day DESC, incident_id
LIMIT $most;
