-- The daily compute cost of each cost center and organization and of the $projects dearest projects, to compare with
-- infrastructure. Days without usage are zero; `complete` is false where usage is incomplete or has no price. A series
-- that is identical to one named before it (the only organization of a cost center) is left out.
WITH costs AS (
    SELECT
        cost_center,
        date,
        coalesce(organization, organization_id) AS organization,
        coalesce(project, project_id) AS project,
        sum(compute_cost_usd) AS cost,
        bool_and(price_per_credit IS NOT NULL OR compute_credits = 0) AS priced
    FROM daily_costs
    GROUP BY ALL
),

parts AS (
    SELECT
        1 AS kind,
        'cost_center=' || cost_center AS series,
        *
    FROM costs
    UNION ALL
    SELECT
        2 AS kind,
        'organization=' || organization AS series,
        *
    FROM costs
    UNION ALL
    SELECT
        3 AS kind,
        'project=' || organization || '/' || project AS series,
        *
    FROM costs
),

sums AS (
    SELECT
        kind,
        series,
        cost_center,
        date,
        coalesce(sum(cost), 0) AS cost,
        bool_and(priced) AS priced
    FROM parts
    GROUP BY ALL
),

begun AS (
    SELECT
        kind,
        series,
        cost_center,
        min(date) AS first,
        row_number() OVER (PARTITION BY kind ORDER BY sum(cost) DESC, series) AS place
    FROM sums
    GROUP BY kind, series, cost_center
),

days AS (
    SELECT
        begun.kind,
        begun.series,
        usage_days.date,
        coalesce(sum(sums.cost), 0) AS cost,
        bool_and(usage_days.complete AND coalesce(sums.priced, true)) AS complete
    FROM begun
    INNER JOIN usage_days ON begun.cost_center = usage_days.cost_center AND begun.first <= usage_days.date
    LEFT JOIN sums
        ON begun.kind = sums.kind
        AND begun.series = sums.series
        AND begun.cost_center = sums.cost_center
        AND usage_days.date = sums.date
    WHERE begun.kind < 3 OR begun.place <= $projects
    GROUP BY begun.kind, begun.series, usage_days.date
),

distinct_series AS (
    SELECT series
    FROM (
        SELECT
            kind,
            series,
            list((date, cost, complete) ORDER BY date) AS content
        FROM days
        GROUP BY kind, series
    )
    QUALIFY row_number() OVER (PARTITION BY content ORDER BY kind, series) = 1
)

SELECT
    days.series,
    days.date,
    days.cost,
    days.complete
FROM days
INNER JOIN distinct_series USING (series)
ORDER BY ALL;
