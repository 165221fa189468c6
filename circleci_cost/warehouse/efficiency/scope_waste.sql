-- What the jobs in `scope_jobs` wasted in one period and in the one before it: by cause, by job and in all, the largest
-- first; and what they cost in the period.
WITH wasted AS (
    SELECT
        waste.cause,
        coalesce(waste.project, waste.project_id) AS project,
        coalesce(waste.job, $no_value) AS job,
        coalesce(waste.cost_usd, 0) AS cost_usd,
        waste.date >= $first AS in_period
    FROM waste
    JOIN scope_jobs AS jobs
        ON waste.cost_center = jobs.cost_center
        AND waste.project_id = jobs.project_id
        AND coalesce(waste.workflow, $no_value) = jobs.workflow
        AND coalesce(waste.job, $no_value) = jobs.job
    WHERE waste.date BETWEEN $before_first AND $last
),

used AS (
    SELECT coalesce(sum(costs.cost_usd), 0) AS cost_usd
    FROM shown_dimensions('daily_costs') AS costs
    JOIN scope_jobs USING (cost_center, project_id, workflow, job)
    WHERE costs.date BETWEEN $first AND $last
)

SELECT
    wasted.cause,
    CASE WHEN grouping(wasted.job) = 0 THEN concat_ws(' / ', wasted.project, wasted.job) END AS job,
    coalesce(sum(wasted.cost_usd) FILTER (WHERE in_period), 0) AS cost,
    coalesce(sum(wasted.cost_usd) FILTER (WHERE NOT in_period), 0) AS before,
    any_value(used.cost_usd) AS whole
FROM wasted
CROSS JOIN used
GROUP BY GROUPING SETS ((wasted.cause), (wasted.project, wasted.job), ())
HAVING count(*) > 0
ORDER BY cost DESC, before DESC, wasted.cause, job;
