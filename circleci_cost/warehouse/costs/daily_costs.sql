-- The job runs of some days of one cost center, added up to daily costs and priced at each day's one rate.
-- Credits are added before they are multiplied: one day has one price, so the product of the sum is exact.
WITH job_runs AS (
    SELECT
        -- A name that can be written in several ways is one name; the job runs keep what CircleCI wrote.
        * REPLACE (
            nfc_normalize(workflow_name) AS workflow_name,
            nfc_normalize(job_name) AS job_name,
            nfc_normalize(vcs_branch) AS vcs_branch
        ),
        -- What a run of its own brings: seats, storage, network and IP ranges are booked on some job's row.
        total_credits - coalesce(user_credits, 0) - coalesce(storage_credits, 0) - coalesce(network_credits, 0)
        - coalesce(ipranges_credits, 0) AS run_credits
    FROM read_parquet($files, hive_partitioning = false)
),

daily_credits AS (
    SELECT
        job_run_date AS date,
        cost_center,
        organization_id,
        project_id,
        workflow_name AS workflow,
        job_name AS job,
        vcs_branch AS branch,
        resource_class,
        executor,
        operating_system,
        pipeline_trigger_source AS trigger_source,
        job_build_status AS build_status,
        is_unregistered_user AS unregistered,
        count(*) AS jobs,
        count(job_run_stopped_at) AS runs,
        coalesce(sum(job_run_seconds), 0) AS run_seconds,
        coalesce(sum(compute_credits), 0) AS compute_credits,
        coalesce(sum(dlc_credits), 0) AS dlc_credits,
        coalesce(sum(user_credits), 0) AS user_credits,
        coalesce(sum(storage_credits), 0) AS storage_credits,
        coalesce(sum(network_credits), 0) AS network_credits,
        coalesce(sum(lease_credits), 0) AS lease_credits,
        coalesce(sum(lease_overage_credits), 0) AS lease_overage_credits,
        coalesce(sum(ipranges_credits), 0) AS ipranges_credits,
        coalesce(sum(other_credits), 0) AS other_credits,
        sum(total_credits) AS credits,
        -- Tells how much a sum varies only because single runs differ; to the hundredth of a credit, which is enough.
        sum(CAST(run_credits AS DECIMAL(20, 2)) * CAST(run_credits AS DECIMAL(20, 2))) AS credits_squared
    FROM job_runs
    GROUP BY ALL
)

INSERT INTO daily_costs BY NAME
SELECT
    daily_credits.*,
    organizations.name AS organization,
    projects.name AS project,
    rates.price_per_credit,
    CAST(compute_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS compute_cost_usd,
    CAST(dlc_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS dlc_cost_usd,
    CAST(user_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS user_cost_usd,
    CAST(storage_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS storage_cost_usd,
    CAST(network_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS network_cost_usd,
    CAST(lease_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS lease_cost_usd,
    CAST(lease_overage_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS lease_overage_cost_usd,
    CAST(ipranges_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS ipranges_cost_usd,
    CAST(other_credits AS DECIMAL(28, 6)) * rates.price_per_credit AS other_cost_usd,
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
