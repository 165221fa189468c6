-- Why each explained incident came about, in a sentence.
SELECT
    incident_id,
    sentence
FROM anomaly_drivers
WHERE rank = 0;
