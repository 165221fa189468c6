-- What was wasted, by day, job and cause. A run has one cause, the first that applies: the order of the CASE, after
-- 'rerun', is that of `model.efficiency.waste.CAUSES`. Charges that are only booked on a run are left out. Credits are
-- added before they are multiplied: one day has one price.
INSERT INTO waste BY NAME
WITH costs AS (
    SELECT
        date,
        {schema.hierarchy},
        price_per_credit,
        CASE
            WHEN lower(build_status) IN ('canceled', 'cancelled') THEN 'canceled'
            WHEN lower(build_status) IN ('timedout', 'timed_out', 'timeout') THEN 'timed_out'
            WHEN lower(build_status) IN ('failed', 'infrastructure_fail') THEN 'failed'
            WHEN actor_kind = 'bot' THEN 'bot'
            -- A schedule has no user; what is asked is whether a person has none.
            WHEN unregistered AND actor_kind IS DISTINCT FROM 'schedule' THEN 'unregistered'
        END AS cause,
        jobs,
        runs,
        run_seconds,
        credits - {schema.booked_credits} AS credits,
        dlc_credits,
        -- NULL in rows of earlier versions, until `reprice` fills it.
        coalesce(superseded_jobs, 0) AS superseded_jobs,
        coalesce(superseded_runs, 0) AS superseded_runs,
        coalesce(superseded_run_seconds, 0) AS superseded_run_seconds,
        coalesce(credits_superseded, 0) AS credits_superseded,
        coalesce(dlc_credits_superseded, 0) AS dlc_credits_superseded
    FROM daily_costs
),

useless_caching AS (
    SELECT cost_center, project_id, workflow, job, min(first_date) AS first_date, max(last_date) AS last_date
    FROM dlc_evidence
    WHERE saves_time IS NOT NULL
    GROUP BY ALL
    HAVING NOT bool_or(saves_time)
),

parts AS (
    SELECT
        * REPLACE (
            'rerun' AS cause,
            superseded_jobs AS jobs,
            superseded_runs AS runs,
            superseded_run_seconds AS run_seconds,
            credits_superseded AS credits
        )
    FROM costs
    WHERE superseded_jobs <> 0
    UNION ALL
    SELECT
        * REPLACE (
            jobs - superseded_jobs AS jobs,
            runs - superseded_runs AS runs,
            run_seconds - superseded_run_seconds AS run_seconds,
            credits - credits_superseded AS credits
        )
    FROM costs
    WHERE cause IS NOT NULL
    UNION ALL
    -- Only the fee is wasted: the runs did their work.
    SELECT
        costs.* REPLACE (
            'dlc' AS cause, 0 AS jobs, 0 AS runs, 0 AS run_seconds, dlc_credits - dlc_credits_superseded AS credits
        )
    FROM costs
    JOIN useless_caching AS useless
        ON costs.cost_center = useless.cost_center
        AND costs.project_id = useless.project_id
        AND costs.workflow IS NOT DISTINCT FROM useless.workflow
        AND costs.job IS NOT DISTINCT FROM useless.job
        AND costs.date BETWEEN useless.first_date AND useless.last_date
    WHERE costs.cause IS NULL
),

added AS (
    SELECT
        date,
        {schema.hierarchy},
        cause,
        price_per_credit,
        CAST(sum(parts.jobs) AS BIGINT) AS jobs,
        CAST(sum(parts.runs) AS BIGINT) AS runs,
        CAST(sum(parts.run_seconds) AS BIGINT) AS run_seconds,
        sum(parts.credits) AS credits
    FROM parts
    GROUP BY ALL
)

SELECT
    *,
    CAST(credits AS DECIMAL(28, 6)) * price_per_credit AS cost_usd
FROM added
WHERE credits <> 0;
