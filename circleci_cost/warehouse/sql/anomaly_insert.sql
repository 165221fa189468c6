-- The judged days with the names of their series. Costs are taken from the exact sums; a day without a sum is a zero.
INSERT INTO cost_anomalies BY NAME
SELECT
    judged.measure,
    series.* EXCLUDE (key, parent_key),
    judged.date,
    CASE
        WHEN judged.value IS NULL THEN NULL
        WHEN judged.measure = 'cost' THEN coalesce(sums.cost_usd, 0)
        ELSE CAST(judged.value AS DECIMAL(38, 6))
    END AS value,
    judged.expected,
    judged.lower,
    judged.upper,
    judged.score,
    judged.direction,
    judged.kind,
    judged.is_anomaly,
    judged.note
FROM judged
JOIN judged_series AS series ON judged.series = series.key
LEFT JOIN anomaly_sums AS sums
    ON judged.series = sums.key
    AND judged.date = sums.date;
