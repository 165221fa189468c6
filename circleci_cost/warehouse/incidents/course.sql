-- How the cost of one incident's series was judged day by day. Of days that lie further back only anomalies are kept.
SELECT
    date,
    value,
    expected,
    lower,
    upper,
    is_anomaly,
    kind,
    note
FROM cost_anomalies
WHERE measure = 'cost'
    AND series_kind = $series_kind
    AND cost_center IS NOT DISTINCT FROM $cost_center
    AND organization IS NOT DISTINCT FROM $organization
    AND project IS NOT DISTINCT FROM $project
    AND workflow IS NOT DISTINCT FROM $workflow
    AND job IS NOT DISTINCT FROM $job
    AND charge_type IS NOT DISTINCT FROM $charge_type
    AND tag IS NOT DISTINCT FROM $tag
    AND tag_value IS NOT DISTINCT FROM $tag_value
ORDER BY date;
