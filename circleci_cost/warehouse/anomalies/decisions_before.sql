-- What people had decided about incidents when these were written last.
SELECT
    incident_id,
    status AS decision,
    reason,
    decided_until,
    NULL AS line
FROM anomaly_incidents
WHERE list_contains(CAST($decisions AS VARCHAR[]), status);
