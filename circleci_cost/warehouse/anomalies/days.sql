-- The daily sums of the series of one cost center, or of the tags where $cost_center is NULL, for the detector.
SELECT
    key,
    series_kind,
    date,
    CAST(cost_usd AS DOUBLE) AS cost,
    CAST(credits AS DOUBLE) AS credits,
    credits_squared,
    CAST(runs AS DOUBLE) AS runs,
    CAST(run_seconds AS DOUBLE) AS run_seconds
FROM anomaly_sums
WHERE cost_center IS NOT DISTINCT FROM $cost_center;
