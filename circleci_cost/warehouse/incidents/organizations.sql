-- The organizations whose cost is judged.
SELECT DISTINCT organization
FROM cost_anomalies
WHERE measure = 'cost' AND series_kind = 'organization'
ORDER BY organization;
