-- The runs on CircleCI's own machines in some files of job runs, with what tells whether their resource class fits.
CREATE OR REPLACE TEMPORARY TABLE class_runs AS
SELECT
    hash(cost_center, organization_id, project_id, job, executor, resource_class) AS key,
    hash(cost_center, organization_id, project_id, job) AS job_key,
    *
FROM (
    SELECT
        cost_center,
        organization_id,
        project_id,
        same_name(CAST(job_name AS VARCHAR)) AS job,
        CAST(executor AS VARCHAR) AS executor,
        CAST(resource_class AS VARCHAR) AS resource_class,
        job_run_date AS date,
        job_run_seconds AS seconds,
        compute_credits,
        parallelism,
        CAST(job_build_status AS VARCHAR) AS status,
        median_cpu_utilization_pct AS cpu_median,
        max_cpu_utilization_pct AS cpu_max,
        median_ram_utilization_pct AS ram_median,
        coalesce(max_ram_utilization_pct, median_ram_utilization_pct) AS ram_max,
        -- No run uses no memory: 0 is a run whose samples were not taken.
        median_cpu_utilization_pct IS NOT NULL AND coalesce(ram_max, 0) > 0 AS sampled
    FROM {schema.job_run_files_by_name}
    WHERE job_run_stopped_at IS NOT NULL
        AND job_run_seconds > 0
        AND coalesce(CAST(executor AS VARCHAR), '') <> 'runner'
);
