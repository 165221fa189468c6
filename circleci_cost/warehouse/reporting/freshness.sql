-- How far the days of each cost center reach, $cost_centers first and in their order. Days are settled up to the one
-- before the first that CircleCI could still restate when it was exported.
WITH configured AS (
    SELECT
        unnest($cost_centers) AS cost_center,
        unnest(range(len($cost_centers))) AS place
),

days AS (
    SELECT
        cost_center,
        min(date) AS first_day,
        max(date) FILTER (WHERE complete) AS complete_through,
        coalesce(CAST(min(date) FILTER (WHERE settled IS DISTINCT FROM true) - 1 AS DATE), max(date))
            AS settled_through,
        max(exported_at) AS exported_at,
        count(*) AS days,
        sum(jobs) AS jobs,
        sum(runs) AS runs,
        sum(credits) AS credits
    FROM usage_days
    GROUP BY cost_center
)

SELECT
    cost_center,
    configured.place IS NOT NULL AS is_configured,
    days.first_day,
    days.complete_through,
    CASE WHEN days.settled_through >= days.first_day THEN days.settled_through END AS settled_through,
    days.exported_at,
    CAST(coalesce(days.days, 0) AS BIGINT) AS days,
    CAST(coalesce(days.jobs, 0) AS BIGINT) AS jobs,
    CAST(coalesce(days.runs, 0) AS BIGINT) AS runs,
    coalesce(days.credits, 0) AS credits
FROM configured
FULL JOIN days USING (cost_center)
ORDER BY configured.place NULLS LAST, cost_center;
