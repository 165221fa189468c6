-- The days on which `engine_rows` are not what the job runs of $files come to: the first one, and how many there are.
-- An engine may read nothing where it does not see a file, and leave out what overflows.
WITH held AS (
    SELECT
        job_run_date AS date,
        count(*) AS jobs,
        count(job_run_stopped_at) AS runs,
        coalesce(sum(job_run_seconds), 0) AS run_seconds,
        sum(total_credits) AS credits
    FROM read_parquet($files, hive_partitioning = false)
    GROUP BY ALL
),

answered AS (
    SELECT date, sum(jobs) AS jobs, sum(runs) AS runs, sum(run_seconds) AS run_seconds, sum(credits) AS credits
    FROM engine_rows
    GROUP BY ALL
)

SELECT
    coalesce(held.date, answered.date) AS date,
    coalesce(answered.jobs, 0) AS answered_jobs,
    coalesce(held.jobs, 0) AS held_jobs,
    answered.credits AS answered_credits,
    held.credits AS held_credits,
    count(*) OVER () AS days
FROM held
FULL JOIN answered ON held.date = answered.date
WHERE (held.jobs, held.runs, held.run_seconds, held.credits)
    IS DISTINCT FROM (answered.jobs, answered.runs, answered.run_seconds, answered.credits)
ORDER BY date
LIMIT 1;
