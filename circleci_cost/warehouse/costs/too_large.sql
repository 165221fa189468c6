-- A daily cost of $days that has a price and, in some charge type, more credits than are priced exactly.
SELECT date, coalesce(project, project_id) AS project, coalesce(job, '(none)') AS job
FROM daily_costs
WHERE cost_center = $cost_center
    AND list_contains($days, date)
    AND price_per_credit IS NOT NULL
    AND (cost_usd IS NULL OR ({schema.cost_of_all_types}) IS NULL)
ORDER BY ALL
LIMIT 1;
