-- The incidents of the run before, with the keys of their series.
SELECT
    incident_id,
    kind,
    direction,
    first_day,
    last_day,
    series_key(
        series_kind, [cost_center, organization, project, workflow, job, charge_type, tag, tag_value]
    ) AS series
FROM anomaly_incidents;
