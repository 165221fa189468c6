-- Those of $days whose rows come to what was noted when they were computed.
WITH rows_of_days AS (
    SELECT date, sum(jobs) AS jobs, sum(runs) AS runs, sum(credits) AS credits
    FROM daily_costs
    WHERE cost_center = $cost_center
    GROUP BY date
)

SELECT usage_days.date
FROM usage_days
LEFT JOIN rows_of_days ON usage_days.date = rows_of_days.date
WHERE usage_days.cost_center = $cost_center
    AND list_contains($days, usage_days.date)
    AND usage_days.jobs = coalesce(rows_of_days.jobs, 0)
    AND usage_days.runs = coalesce(rows_of_days.runs, 0)
    AND usage_days.credits = coalesce(rows_of_days.credits, 0);
