-- What the daily costs of each cost center and day come to, and what was noted of the day when they were computed.
WITH costs AS (
    SELECT
        cost_center,
        date,
        sum(jobs) AS jobs,
        sum(credits) AS credits
    FROM daily_costs
    GROUP BY cost_center, date
)

SELECT
    coalesce(days.cost_center, costs.cost_center) AS cost_center,
    coalesce(days.date, costs.date) AS date,
    coalesce(costs.jobs, 0) AS jobs,
    coalesce(costs.credits, 0) AS credits,
    days.jobs AS noted_jobs,
    days.credits AS noted_credits,
    days.export_id,
    days.costed_at
FROM usage_days AS days
FULL JOIN costs ON days.cost_center = costs.cost_center AND days.date = costs.date
ORDER BY ALL;
