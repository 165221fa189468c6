-- The job runs of some days of one cost center, added up to daily costs and priced at each day's one rate.
-- Credits are added before they are multiplied: one day has one price, so the product of the sum is exact.
WITH read AS (
    {schema.job_runs_of_files}
),

job_runs AS (
    SELECT
        * RENAME (total_credits AS credits),
        -- The credits of the run itself: seats and the like are booked on some job's row.
        total_credits - {schema.booked_credits} AS of_run
    FROM read
),

daily_credits AS (
    SELECT
        job_run_date AS date,
        cost_center,
        {schema.dimensions_of_job_runs},
        is_unregistered_user AS unregistered,
        count(*) AS jobs,
        count(job_run_stopped_at) AS runs,
        coalesce(sum(job_run_seconds), 0) AS run_seconds,
        coalesce(sum(COLUMNS('(.*_credits)$')), 0) AS '\1',
        sum(credits) AS credits,
        -- Shows how much a sum varies only because single runs differ; precise to 0.01 credits, which is enough.
        sum(CAST(of_run AS DECIMAL(20, 2)) * CAST(of_run AS DECIMAL(20, 2))) AS credits_squared
    FROM job_runs
    GROUP BY ALL
)

INSERT INTO daily_costs BY NAME
SELECT
    daily_credits.*,
    {schema.computed_dimensions},
    -- See `efficiency/superseded.sql`.
    0 AS superseded_jobs,
    0 AS superseded_runs,
    0 AS superseded_run_seconds,
    0 AS credits_superseded,
    0 AS dlc_credits_superseded,
    organizations.name AS organization,
    projects.name AS project,
    rates.price_per_credit,
    CAST(COLUMNS('(.*)_credits$') AS DECIMAL(28, 6)) * rates.price_per_credit AS '\1_cost_usd',
    CAST(credits AS DECIMAL(28, 6)) * rates.price_per_credit AS cost_usd
FROM daily_credits
LEFT JOIN daily_rates AS rates
    ON daily_credits.cost_center = rates.cost_center
    AND daily_credits.date = rates.date
LEFT JOIN dimension_names AS organizations
    ON organizations.dimension = 'organization'
    AND daily_credits.organization_id = organizations.id
LEFT JOIN dimension_names AS projects
    ON projects.dimension = 'project'
    AND daily_credits.project_id = projects.id;
