-- The sums of each cost center for every day of which costs were computed since $since; NULL cost where no credit is
-- priced. A day whose export was made before CircleCI had all of it is left out: it would look like a cheap day.
WITH days AS (
    SELECT DISTINCT date
    FROM usage_days
    WHERE date >= $first AND date < $end AND ($since IS NULL OR costed_at >= $since) AND complete IS NOT FALSE
)
SELECT
    usage_days.date,
    usage_days.cost_center,
    usage_days.credits,
    coalesce(sum(daily_costs.credits) FILTER (WHERE daily_costs.price_per_credit IS NULL), 0) AS unpriced_credits,
    CASE WHEN count(daily_costs.date) = 0 THEN 0 ELSE sum(daily_costs.cost_usd) END AS cost_usd
FROM usage_days
JOIN days ON days.date = usage_days.date AND usage_days.complete IS NOT FALSE
LEFT JOIN daily_costs
    ON daily_costs.date = usage_days.date
    AND daily_costs.cost_center = usage_days.cost_center
GROUP BY usage_days.date, usage_days.cost_center, usage_days.credits
ORDER BY usage_days.date, usage_days.cost_center;
