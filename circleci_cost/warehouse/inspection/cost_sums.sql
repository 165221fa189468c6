-- The sums of the daily costs.
SELECT
    coalesce(sum(credits), 0) AS credits,
    {schema.unpriced_credits},
    coalesce(sum(cost_usd), 0) AS cost_usd
FROM daily_costs;
