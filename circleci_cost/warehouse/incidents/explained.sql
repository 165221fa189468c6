-- Each incident with the sentence that explains it, the newest first.
SELECT
    incidents.incident_id,
    incidents.series,
    incidents.series_kind,
    incidents.charge_type,
    incidents.first_day,
    incidents.status,
    incidents.impact_usd,
    drivers.sentence
FROM anomaly_incidents AS incidents
LEFT JOIN anomaly_drivers AS drivers
    ON incidents.incident_id = drivers.incident_id
    AND drivers.rank = 0
ORDER BY incidents.last_day DESC, incidents.incident_id;
