-- Job runs added up as daily costs are, and taken further apart by {keys}, which are columns of job runs.
CREATE OR REPLACE TEMPORARY TABLE run_parts AS
WITH read AS (
    FROM read_parquet($files, hive_partitioning = false, union_by_name = true)
    UNION ALL BY NAME
    -- A charge type that is newer than all of the files has no credits in them.
    SELECT CAST(COLUMNS('(.*_credits)$') AS DECIMAL(18, 6)) AS '\1' FROM daily_costs WHERE false
),

job_runs AS (
    SELECT * RENAME (total_credits AS credits)
    FROM read
)

SELECT
    job_run_date AS date,
    cost_center,
    {schema.dimensions_of_job_runs},
    is_unregistered_user AS unregistered,
    {keys},
    count(*) AS jobs,
    count(job_run_stopped_at) AS runs,
    coalesce(sum(job_run_seconds), 0) AS run_seconds,
    coalesce(sum(COLUMNS('(.*_credits)$')), 0) AS '\1',
    sum(credits) AS credits
FROM job_runs
GROUP BY ALL;
