-- The daily sums of all costs, of each cost center, each organization and each value of each virtual tag.
WITH sums AS (
    SELECT
        date,
        CASE
            WHEN grouping(cost_center) = 0 THEN 'cost_center'
            WHEN grouping(organization) = 0 THEN 'organization'
            ELSE 'total'
        END AS series_kind,
        coalesce(cost_center, organization, 'total') AS series,
        sum(credits) AS credits,
        coalesce(sum(cost_usd), 0) AS cost_usd,
        {schema.unpriced_credits}
    FROM (SELECT * REPLACE (coalesce(organization, organization_id) AS organization) FROM daily_costs)
    GROUP BY GROUPING SETS ((date), (date, cost_center), (date, organization))
    UNION ALL
    SELECT
        date,
        'tag' AS series_kind,
        tag || '=' || value AS series,
        sum(credits) AS credits,
        coalesce(sum(cost_usd), 0) AS cost_usd,
        {schema.unpriced_credits}
    FROM allocated_costs
    GROUP BY date, tag, value
)

SELECT
    series_kind,
    series,
    date,
    credits,
    cost_usd,
    unpriced_credits
FROM sums
WHERE date <= $through
ORDER BY ALL;
