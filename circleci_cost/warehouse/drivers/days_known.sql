-- The complete days of each cost center on which no credits lack a price.
SELECT
    cost_center,
    date
FROM usage_days
ANTI JOIN (SELECT cost_center, date FROM daily_costs WHERE cost_usd IS NULL AND credits <> 0) AS unpriced
    USING (cost_center, date)
WHERE complete
ORDER BY ALL;
