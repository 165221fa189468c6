-- The days that were computed by an earlier version and lack what this one computes; from their job runs it comes.
SELECT cost_center, date FROM daily_costs WHERE credits_squared IS NULL
UNION
SELECT cost_center, date FROM usage_days WHERE complete IS NULL OR settled IS NULL
ORDER BY ALL;
