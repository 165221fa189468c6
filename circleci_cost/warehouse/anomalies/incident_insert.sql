-- The incidents, each with what its series cost from its first to its last day, exactly.
INSERT INTO anomaly_incidents BY NAME
WITH actuals AS (
    SELECT
        incidents.incident_id,
        coalesce(sum(anomaly_sums.cost_usd), 0) AS actual_usd
    FROM incidents
    LEFT JOIN anomaly_sums
        ON incidents.key = anomaly_sums.key
        AND anomaly_sums.date BETWEEN incidents.first_day AND incidents.last_day
    GROUP BY incidents.incident_id
)

SELECT
    incidents.* EXCLUDE (key),
    actuals.actual_usd
FROM incidents
JOIN actuals USING (incident_id);
