-- Exact sums of one cost center's daily costs, day by day; a day without usage has zeros.
SELECT
    days.date,
    count(daily_costs.date) AS cost_rows,
    coalesce(sum(daily_costs.runs), 0) AS runs,
    coalesce(sum(daily_costs.credits), 0) AS credits,
    coalesce(sum(daily_costs.credits) FILTER (WHERE daily_costs.price_per_credit IS NULL), 0) AS unpriced_credits,
    coalesce(sum(daily_costs.cost_usd), 0) AS cost_usd
FROM (SELECT unnest($days) AS date) AS days
LEFT JOIN daily_costs
    ON daily_costs.cost_center = $cost_center
    AND days.date = daily_costs.date
GROUP BY days.date
ORDER BY days.date;
