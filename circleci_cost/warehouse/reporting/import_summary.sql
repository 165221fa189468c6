-- The sums of one cost center over all its days so far.
SELECT
    min(date) AS first,
    max(date) AS last,
    CAST(coalesce(sum(jobs), 0) AS BIGINT) AS jobs,
    CAST(coalesce(sum(runs), 0) AS BIGINT) AS runs,
    coalesce(sum(credits), 0) AS credits,
    {schema.unpriced_credits},
    sum(cost_usd) AS cost_usd
FROM daily_costs
WHERE cost_center = $cost_center;
