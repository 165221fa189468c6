-- Each series that is judged, with the values that name it.
SELECT DISTINCT
    key,
    parent_key,
    series_kind,
    series,
    cost_center,
    organization,
    project,
    workflow,
    job,
    executor,
    resource_class,
    charge_type,
    tag,
    value AS tag_value
FROM anomaly_sums
ORDER BY key;
