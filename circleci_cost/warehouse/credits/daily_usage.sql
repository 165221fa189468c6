-- The credits that the cost centers in $cost_centers used on each day up to $through.
SELECT
    cost_center,
    date,
    sum(credits) AS credits
FROM daily_costs
WHERE list_contains($cost_centers, cost_center)
    AND date <= $through
GROUP BY ALL
ORDER BY ALL;
