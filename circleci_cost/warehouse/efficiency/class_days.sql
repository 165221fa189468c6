-- The runs of each job by day and class, of jobs that had more than one class, on complete days. Seconds and credits are
-- those of runs that succeeded: a job that fails early is no fast one. The price is that of the newest day.
WITH days AS (
    SELECT
        hash(costs.cost_center, costs.organization_id, costs.project_id, costs.job) AS key,
        costs.cost_center,
        costs.organization_id,
        any_value(coalesce(costs.organization, costs.organization_id)) AS organization,
        costs.project_id,
        any_value(coalesce(costs.project, costs.project_id)) AS project,
        costs.job,
        costs.date,
        costs.executor,
        costs.resource_class,
        CAST(sum(costs.runs) AS BIGINT) AS runs,
        CAST(coalesce(sum(costs.runs) FILTER (WHERE build_status = 'success'), 0) AS BIGINT) AS succeeded,
        CAST(coalesce(sum(costs.runs) FILTER (WHERE build_status = 'failed'), 0) AS BIGINT) AS failed,
        CAST(coalesce(sum(run_seconds) FILTER (WHERE build_status = 'success'), 0) AS BIGINT) AS seconds,
        coalesce(sum(compute_credits) FILTER (WHERE build_status = 'success'), 0) AS credits
    FROM daily_costs AS costs
    JOIN usage_days
        ON costs.cost_center = usage_days.cost_center
        AND costs.date = usage_days.date
        AND usage_days.complete
    WHERE costs.runs > 0
        AND costs.job IS NOT NULL
        AND costs.resource_class IS NOT NULL
        AND costs.executor <> 'runner'
    GROUP BY ALL
),

several AS (
    SELECT key
    FROM days
    GROUP BY key
    HAVING count(DISTINCT (executor, resource_class)) > 1
),

prices AS (
    SELECT
        cost_center,
        arg_max(price_per_credit, date) AS price_per_credit
    FROM daily_costs
    GROUP BY cost_center
)

SELECT
    days.*,
    prices.price_per_credit
FROM days
JOIN several ON days.key = several.key
LEFT JOIN prices ON days.cost_center = prices.cost_center;
