-- How long the successful runs of each job take with Docker layer caching and without, in one class. One verdict needs
-- $enough runs of both ways; the fee may be wasted where the median with it is no shorter.
INSERT INTO dlc_evidence BY NAME
WITH read AS NOT MATERIALIZED (
    {schema.job_runs_of_files}
),

cached AS (
    SELECT DISTINCT cost_center, project_id, workflow_name, job_name
    FROM read
    WHERE dlc_credits <> 0
),

timed AS (
    SELECT
        read.cost_center,
        read.organization_id,
        read.project_id,
        same_name(read.workflow_name) AS workflow,
        same_name(read.job_name) AS job,
        read.executor,
        read.resource_class,
        count(*) FILTER (WHERE coalesce(read.dlc_credits, 0) <> 0) AS runs_with,
        count(*) FILTER (WHERE coalesce(read.dlc_credits, 0) = 0) AS runs_without,
        median(read.job_run_seconds) FILTER (WHERE coalesce(read.dlc_credits, 0) <> 0) AS median_seconds_with,
        median(read.job_run_seconds) FILTER (WHERE coalesce(read.dlc_credits, 0) = 0) AS median_seconds_without,
        min(read.job_run_date) AS first_date,
        max(read.job_run_date) AS last_date
    FROM read
    JOIN cached
        ON read.cost_center = cached.cost_center
        AND read.project_id = cached.project_id
        AND read.workflow_name IS NOT DISTINCT FROM cached.workflow_name
        AND read.job_name = cached.job_name
    WHERE lower(read.job_build_status) = 'success'
        AND read.job_run_seconds IS NOT NULL
    GROUP BY ALL
)

SELECT
    timed.*,
    CASE
        WHEN runs_with >= $enough AND runs_without >= $enough THEN median_seconds_with < median_seconds_without
    END AS saves_time
FROM timed;
