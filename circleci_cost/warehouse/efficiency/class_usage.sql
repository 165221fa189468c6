-- Each job's runs by resource class, added up, with the price of the newest day. `recent_share`: of the job's runs on
-- its last three days with runs.
WITH daily AS (
    SELECT
        job_key,
        key,
        date,
        count(*) AS runs
    FROM class_runs
    GROUP BY ALL
),

recent AS (
    SELECT
        job_key,
        key,
        runs
    FROM daily
    QUALIFY dense_rank() OVER (PARTITION BY job_key ORDER BY date DESC) <= 3
),

shares AS (
    SELECT
        key,
        sum(runs) / sum(sum(runs)) OVER (PARTITION BY job_key) AS recent_share
    FROM recent
    GROUP BY job_key, key
),

usage AS (
    SELECT
        key,
        any_value(cost_center) AS cost_center,
        any_value(organization_id) AS organization_id,
        any_value(project_id) AS project_id,
        any_value(job) AS job,
        any_value(executor) AS executor,
        any_value(resource_class) AS resource_class,
        min(date) AS first_day,
        max(date) AS last_day,
        count(*) AS runs,
        CAST(sum(seconds) AS BIGINT) AS run_seconds,
        CAST(sum(compute_credits) AS DECIMAL(38, 6)) AS compute_credits,
        count(*) FILTER (WHERE sampled) AS sampled_runs,
        CAST(coalesce(sum(seconds) FILTER (WHERE sampled), 0) AS BIGINT) AS sampled_seconds,
        count(*) FILTER (WHERE status = 'success') AS succeeded,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        quantile_cont(cpu_median, 0.5) AS cpu_median,
        quantile_cont(cpu_median, 0.95) AS cpu_p95,
        max(cpu_max) AS cpu_max,
        quantile_cont(ram_median, 0.5) AS ram_median,
        quantile_cont(ram_max, 0.95) AS ram_p95,
        max(ram_max) AS ram_max
    FROM class_runs
    GROUP BY key
),

days AS (
    SELECT
        cost_center,
        count(*) AS days
    FROM usage_days
    WHERE (cost_center, date) IN (SELECT (cost_center, date) FROM window_days)
    GROUP BY cost_center
),

prices AS (
    SELECT
        window_days.cost_center,
        arg_max(rates.price_per_credit, rates.date) AS price_per_credit
    FROM window_days
    JOIN daily_rates AS rates
        ON window_days.cost_center = rates.cost_center
        AND window_days.date = rates.date
    GROUP BY window_days.cost_center
)

SELECT
    usage.*,
    coalesce(organizations.name, usage.organization_id) AS organization,
    coalesce(projects.name, usage.project_id) AS project,
    coalesce(shares.recent_share, 0) AS recent_share,
    days.days,
    prices.price_per_credit,
    CAST(CAST(usage.compute_credits AS DECIMAL(28, 6)) * prices.price_per_credit AS DECIMAL(38, 16)) AS compute_cost_usd
FROM usage
JOIN days ON usage.cost_center = days.cost_center
LEFT JOIN shares ON usage.key = shares.key
LEFT JOIN prices ON usage.cost_center = prices.cost_center
LEFT JOIN dimension_names AS organizations
    ON organizations.dimension = 'organization'
    AND usage.organization_id = organizations.id
LEFT JOIN dimension_names AS projects
    ON projects.dimension = 'project'
    AND usage.project_id = projects.id;
