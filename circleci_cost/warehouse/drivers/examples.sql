-- The dearest runs of some jobs on some days (`wanted`, by `number`), with the parts of their address. Projects are
-- matched by their id: a day's own file may have an older name.
WITH names AS (
    SELECT DISTINCT
        cost_center,
        coalesce(organization, organization_id) AS organization,
        coalesce(project, project_id) AS project,
        organization_id,
        project_id
    FROM daily_costs
),

ranked AS (
    SELECT
        wanted.number,
        runs.vcs_name,
        runs.vcs_url,
        runs.organization_id,
        runs.project_id,
        runs.pipeline_number,
        runs.workflow_id,
        runs.job_run_number,
        row_number() OVER (
            PARTITION BY wanted.number
            ORDER BY runs.total_credits - coalesce(runs.user_credits, 0) DESC, runs.job_id
        ) AS place
    FROM wanted
    JOIN names USING (cost_center, organization, project)
    JOIN {schema.job_run_files} AS runs
        ON wanted.cost_center = runs.cost_center
        AND wanted.date = runs.job_run_date
        AND names.organization_id = runs.organization_id
        AND names.project_id = runs.project_id
        AND wanted.workflow = coalesce(same_name(runs.workflow_name), '(none)')
        AND wanted.job = coalesce(same_name(runs.job_name), '(none)')
    WHERE runs.pipeline_number IS NOT NULL
        AND runs.workflow_id IS NOT NULL
        AND runs.job_run_number IS NOT NULL
)

SELECT * EXCLUDE (place)
FROM ranked
WHERE place <= $limit
ORDER BY number, place;
