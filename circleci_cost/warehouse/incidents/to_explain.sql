-- The newest incidents, in the form that the drivers need.
SELECT
    incident_id,
    first_day,
    last_day,
    cost_center,
    organization,
    project,
    workflow,
    job,
    charge_type,
    tag,
    tag_value AS value
FROM anomaly_incidents
-- A price change is a fact: there is nothing to compare.
WHERE kind <> 'price_change'
ORDER BY last_day DESC, incident_id
LIMIT $most;
