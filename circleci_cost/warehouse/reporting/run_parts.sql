-- Job runs added up as daily costs are, and taken further apart by {keys}, which are columns of job runs.
CREATE OR REPLACE TEMPORARY TABLE run_parts AS
WITH read AS (
    {schema.job_runs_of_files}
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
