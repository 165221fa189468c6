-- The dearest job runs behind the costs that a filter lets through, and how many there are. {view} is one of the views
-- of `core.cost_rows`, {where} a condition whose values are parameters, {caused} one for charges that are not only booked
-- on a run, {of_runs} one for the runs; {user} is who triggered one, by name with {users}. A run belongs to a cost when
-- all dimensions are the same; organizations and projects go by their ids, as a day's own file may have an older name.
WITH cells AS (
    SELECT DISTINCT
        date,
        {schema.dimension_keys},
        organization,
        project,
        price_per_credit
    FROM {view}
    WHERE tag = $tag
        AND date BETWEEN $first AND $last
        AND ({where})
        AND {caused}
)

SELECT
    count(*) OVER () AS found,
    cells.date,
    {schema.packed_dimensions} AS dimensions,
    runs.job_run_seconds AS seconds,
    runs.total_credits - {schema.booked_credits} AS credits,
    CAST(credits AS DECIMAL(28, 6)) * cells.price_per_credit AS cost,
    {user} AS trigger_user,
    runs.vcs_name,
    runs.vcs_url,
    runs.organization_id,
    runs.project_id,
    runs.pipeline_number,
    runs.workflow_id,
    runs.job_run_number
FROM {schema.job_run_files_by_name} AS runs
JOIN cells
    ON runs.job_run_date = cells.date
    AND {schema.job_run_has_dimensions}
{users}
WHERE {of_runs}
ORDER BY credits DESC, cells.date DESC, runs.job_id
LIMIT $limit;
