-- The runs of each job by day and class, of jobs that had more than one class, on complete days. Seconds and credits are
-- those of runs that succeeded: a job that fails early is no fast one. The price is that of the newest day.
WITH usage AS (
    SELECT
        hash(costs.cost_center, costs.organization_id, costs.project_id, costs.job) AS key,
        costs.*
    FROM daily_costs AS costs
    JOIN usage_days
        ON costs.cost_center = usage_days.cost_center
        AND costs.date = usage_days.date
        AND usage_days.complete
    WHERE costs.runs > 0
        AND costs.job IS NOT NULL
        AND costs.resource_class IS NOT NULL
        AND costs.executor <> 'runner'
),

several AS (
    SELECT key
    FROM usage
    GROUP BY key
    HAVING min(hash(executor, resource_class)) <> max(hash(executor, resource_class))
),

days AS (
    SELECT
        key,
        any_value(cost_center) AS cost_center,
        any_value(organization_id) AS organization_id,
        any_value(coalesce(organization, organization_id)) AS organization,
        any_value(project_id) AS project_id,
        any_value(coalesce(project, project_id)) AS project,
        any_value(job) AS job,
        date,
        executor,
        resource_class,
        CAST(sum(runs) AS BIGINT) AS runs,
        CAST(coalesce(sum(runs) FILTER (WHERE build_status = 'success'), 0) AS BIGINT) AS succeeded,
        CAST(coalesce(sum(runs) FILTER (WHERE build_status = 'failed'), 0) AS BIGINT) AS failed,
        CAST(coalesce(sum(run_seconds) FILTER (WHERE build_status = 'success'), 0) AS BIGINT) AS seconds,
        coalesce(sum(compute_credits) FILTER (WHERE build_status = 'success'), 0) AS credits
    FROM usage
    WHERE key IN (FROM several)
    GROUP BY key, date, executor, resource_class
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
LEFT JOIN prices ON days.cost_center = prices.cost_center;
