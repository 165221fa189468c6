-- The days whose costs were computed at another price than the present rate, or without a price where there is one now.
SELECT DISTINCT
    costs.cost_center,
    costs.date
FROM daily_costs AS costs
LEFT JOIN rates
    ON costs.cost_center = rates.cost_center
    AND costs.date = rates.date
WHERE costs.price_per_credit IS DISTINCT FROM rates.price_per_credit
ORDER BY ALL;
