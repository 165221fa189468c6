-- The workflows of one cost center with the most credits over some days; rounded for reading.
SELECT
    cost_center,
    coalesce(project, project_id) AS project,
    workflow,
    round(sum(credits), 0)::BIGINT AS credits,
    round(sum(cost_usd), 2) AS cost_usd
FROM daily_costs
WHERE cost_center = $cost_center
    AND list_contains($days, date)
GROUP BY ALL
ORDER BY sum(credits) DESC, project, workflow
LIMIT $most;
