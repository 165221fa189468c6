-- The judged days with the names of their series. Sums are exact, 0 on a day without one; rates are rounded.
INSERT INTO cost_anomalies BY NAME
SELECT
    judged.measure,
    series.* EXCLUDE (key, parent_key),
    judged.date,
    CASE
        WHEN judged.value IS NULL THEN NULL
        WHEN judged.measure = 'cost' THEN CAST(coalesce(sums.cost_usd, 0) AS DECIMAL(38, 16))
        WHEN judged.measure = 'credits' THEN CAST(coalesce(sums.credits, 0) AS DECIMAL(38, 16))
        WHEN judged.measure = 'runs' THEN CAST(coalesce(sums.runs, 0) AS DECIMAL(38, 16))
        ELSE CAST(CAST(judged.value AS DECIMAL(38, 6)) AS DECIMAL(38, 16))
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
