-- The cost centers with published days that are none of $names, and their first and last day.
SELECT
    cost_center,
    min(date) AS first,
    max(date) AS last
FROM daily_costs
WHERE NOT list_contains(CAST($names AS VARCHAR[]), cost_center)
GROUP BY cost_center
ORDER BY cost_center;
