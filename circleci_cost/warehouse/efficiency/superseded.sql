-- Which part of the daily costs of $days belongs to superseded job runs: those of a former attempt of a workflow. An
-- attempt is a WORKFLOW_ID; attempts of one workflow share the pipeline and the workflow's name. A later attempt counts
-- up to $rerun_days days after the run. A run that succeeded and that no later attempt ran again is not superseded: a
-- re-run from the failed jobs on takes its result over. Rows of earlier versions (NULL) are left to `reprice`.
WITH read AS NOT MATERIALIZED (
    {schema.job_runs_of_files}
),

-- Most workflows have one attempt: hashes find the others, and a collision finds one too many, which does no harm.
repeated AS (
    SELECT hash(pipeline_id, workflow_name) AS workflow
    FROM read
    GROUP BY workflow
    HAVING min(hash(workflow_id)) <> max(hash(workflow_id))
),

job_runs AS MATERIALIZED (
    SELECT
        pipeline_id,
        workflow_name,
        workflow_id,
        workflow_first_job_queued_at,
        job_id,
        job_name,
        job_run_date,
        job_run_queued_at,
        job_run_stopped_at,
        job_run_seconds,
        lower(job_build_status) = 'success' AS succeeded,
        {schema.dimensions_of_job_runs},
        is_unregistered_user AS unregistered,
        dlc_credits,
        total_credits - {schema.booked_credits} AS of_run
    FROM read
    WHERE hash(pipeline_id, workflow_name) IN (SELECT workflow FROM repeated)
        AND pipeline_id IS NOT NULL
        AND workflow_name IS NOT NULL
        AND workflow_id IS NOT NULL
),

attempts AS (
    SELECT
        pipeline_id,
        workflow_name,
        workflow_id,
        coalesce(
            min(workflow_first_job_queued_at), min(job_run_queued_at), CAST(min(job_run_date) AS TIMESTAMP)
        ) AS began
    FROM job_runs
    GROUP BY ALL
),

attempt_jobs AS (
    SELECT DISTINCT
        attempts.pipeline_id,
        attempts.workflow_name,
        attempts.workflow_id,
        attempts.began,
        job_runs.job_name,
        job_runs.job_run_date
    FROM job_runs
    JOIN attempts USING (pipeline_id, workflow_name, workflow_id)
),

followed AS (
    SELECT
        runs.job_id,
        coalesce(bool_or(later.job_name = runs.job_name), false) AS ran_again
    FROM job_runs AS runs
    JOIN attempts AS own USING (pipeline_id, workflow_name, workflow_id)
    JOIN attempt_jobs AS later
        ON runs.pipeline_id = later.pipeline_id
        AND runs.workflow_name = later.workflow_name
        AND later.job_run_date BETWEEN runs.job_run_date - 1 AND runs.job_run_date + $rerun_days
        AND (later.began, later.workflow_id) > (own.began, own.workflow_id)
    WHERE list_contains($days, runs.job_run_date)
    GROUP BY runs.job_id
),

superseded AS (
    SELECT
        job_run_date AS date,
        {schema.read_dimensions},
        unregistered,
        count(*) AS jobs,
        count(job_run_stopped_at) AS runs,
        coalesce(sum(job_run_seconds), 0) AS run_seconds,
        sum(of_run) AS credits,
        coalesce(sum(dlc_credits), 0) AS dlc_credits
    FROM job_runs
    JOIN followed USING (job_id)
    WHERE list_contains($days, job_run_date)
        AND (followed.ran_again OR succeeded IS NOT TRUE)
    GROUP BY ALL
),

parts AS (
    SELECT
        daily.rowid AS daily_row,
        coalesce(superseded.jobs, 0) AS jobs,
        coalesce(superseded.runs, 0) AS runs,
        coalesce(superseded.run_seconds, 0) AS run_seconds,
        coalesce(superseded.credits, 0) AS credits,
        coalesce(superseded.dlc_credits, 0) AS dlc_credits
    FROM daily_costs AS daily
    LEFT JOIN superseded
        ON daily.date = superseded.date
        AND {schema.same_dimensions}
        AND daily.unregistered IS NOT DISTINCT FROM superseded.unregistered
    WHERE daily.cost_center = $cost_center
        AND list_contains($days, daily.date)
        AND daily.superseded_jobs IS NOT NULL
)

UPDATE daily_costs
SET
    superseded_jobs = parts.jobs,
    superseded_runs = parts.runs,
    superseded_run_seconds = parts.run_seconds,
    credits_superseded = parts.credits,
    dlc_credits_superseded = parts.dlc_credits
FROM parts
-- Not `=`: DuckDB 2.0.0 then filters the scan by row id while it is updated, and damages rows or ends the process.
WHERE daily_costs.rowid IS NOT DISTINCT FROM parts.daily_row
    AND (
        daily_costs.superseded_jobs IS DISTINCT FROM parts.jobs
        OR daily_costs.superseded_runs IS DISTINCT FROM parts.runs
        OR daily_costs.superseded_run_seconds IS DISTINCT FROM parts.run_seconds
        OR daily_costs.credits_superseded IS DISTINCT FROM parts.credits
        OR daily_costs.dlc_credits_superseded IS DISTINCT FROM parts.dlc_credits
    );
