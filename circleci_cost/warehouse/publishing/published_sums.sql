-- What a generation covers and adds up to. `data_through` is that of the cost center that is furthest behind, NULL
-- where one has no complete day yet.
WITH expected AS (
    SELECT DISTINCT cost_center FROM usage_days WHERE is_configured(cost_center)
    UNION
    SELECT unnest(configured_cost_centers())
),

reach AS (
    SELECT
        expected.cost_center,
        max(usage_days.date) FILTER (WHERE usage_days.complete) AS through
    FROM expected
    LEFT JOIN usage_days ON expected.cost_center = usage_days.cost_center
    GROUP BY expected.cost_center
)

SELECT
    (SELECT min(date) FROM usage_days) AS data_from,
    (SELECT CASE WHEN count(*) = count(through) THEN min(through) END FROM reach) AS data_through,
    coalesce(sum(credits), 0) AS credits,
    {schema.unpriced_credits},
    coalesce(sum(cost_usd), 0) AS cost_usd
FROM daily_costs;
