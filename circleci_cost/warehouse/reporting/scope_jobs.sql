-- The jobs of a scope: those with at least a share of their credits on some days in it, as they are in each workflow;
-- `in_all` says whether that holds for the job in all its workflows together. {view} is one of the views of
-- `core.cost_rows`, {scope} a condition whose values are parameters.
CREATE OR REPLACE TEMPORARY TABLE scope_jobs AS
WITH held AS (
    SELECT cost_center, project_id, workflow, job, sum(credits) AS credits
    FROM {view}
    WHERE tag = $tag
        AND date BETWEEN $first AND $last
        AND ({scope})
    GROUP BY ALL
),

whole AS (
    SELECT cost_center, project_id, workflow, job, sum(credits) AS credits
    FROM shown_dimensions('daily_costs')
    WHERE date BETWEEN $first AND $last
    GROUP BY ALL
)

SELECT
    cost_center,
    project_id,
    workflow,
    job,
    sum(held.credits) OVER of_job >= $share * sum(whole.credits) OVER of_job AS in_all
FROM whole
LEFT JOIN held USING (cost_center, project_id, workflow, job)
WINDOW of_job AS (PARTITION BY cost_center, project_id, job)
QUALIFY held.credits > 0 AND held.credits >= $share * whole.credits;
