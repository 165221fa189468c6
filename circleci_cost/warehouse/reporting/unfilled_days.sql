-- The days that an earlier version computed, without values that this version computes from the job runs.
SELECT cost_center, date FROM daily_costs WHERE credits_squared IS NULL OR superseded_jobs IS NULL
UNION
SELECT cost_center, date FROM usage_days WHERE complete IS NULL OR settled IS NULL
ORDER BY ALL;
