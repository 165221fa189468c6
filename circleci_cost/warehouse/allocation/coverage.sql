-- The sums of one tag by month, and the part that is under other values than the default.
SELECT
    CAST(date_trunc('month', date) AS DATE) AS month,
    coalesce(sum(cost_usd), 0) AS cost,
    coalesce(sum(cost_usd) FILTER (WHERE value NOT IN ($default, 'unallocated')), 0) AS allocated_cost,
    sum(credits) AS credits,
    coalesce(sum(credits) FILTER (WHERE value NOT IN ($default, 'unallocated')), 0) AS allocated_credits
FROM allocated_costs
WHERE tag = $tag
GROUP BY month
ORDER BY month;
