-- A stamp of each month's published data: it changes with whatever a FOCUS row of the month is made of. Sums of hashes
-- do not depend on the order of rows; `source_row` is numbered anew whenever rules are applied.
WITH hashes AS (
    SELECT date, hash(costs) AS hash
    FROM daily_costs AS costs
    UNION ALL
    SELECT date, hash(allocated) AS hash
    FROM (SELECT * EXCLUDE (source_row) FROM allocated_costs) AS allocated
    UNION ALL
    SELECT date, hash(cost_center, date, exported_at, settled) AS hash
    FROM usage_days
    UNION ALL
    SELECT date, hash(lots) AS hash
    FROM focus_lots AS lots
),

periods AS (
    SELECT coalesce(sum(CAST(hash(prices) AS HUGEINT)), 0) AS hash
    FROM pricing_periods AS prices
),

-- The organization that pays may have usage in other months only, and its name from there.
names AS (
    SELECT coalesce(sum(CAST(hash(organization_id, organization) AS HUGEINT)), 0) AS hash
    FROM (SELECT DISTINCT organization_id, organization FROM daily_costs)
)

SELECT
    strftime(date_trunc('month', date), '%Y-%m') AS month,
    concat_ws('-', any_value(periods.hash), any_value(names.hash), count(*), sum(CAST(hashes.hash AS HUGEINT))) AS stamp
FROM hashes
CROSS JOIN periods
CROSS JOIN names
GROUP BY ALL
ORDER BY month;
