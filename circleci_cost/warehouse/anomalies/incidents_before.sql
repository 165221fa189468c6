-- The incidents of the run before, with the keys of their series, and what people were told of them.
SELECT
    incident_id,
    kind,
    direction,
    first_day,
    last_day,
    told_on,
    CAST(told_usd_per_day AS DOUBLE) AS told_per_day,
    data_through,
    series_key(
        series_kind, [cost_center, organization, project, workflow, job, charge_type, tag, tag_value]
    ) AS series
FROM anomaly_incidents;
