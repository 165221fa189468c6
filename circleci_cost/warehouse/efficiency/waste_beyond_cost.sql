-- The days and jobs whose waste is more than what they used, of which there is none. Credits are compared where none of
-- them are corrections: a negative run beside wasted ones leaves less than they took.
WITH wasted AS (
    SELECT
        date,
        cost_center,
        project_id,
        workflow,
        job,
        sum(jobs) AS jobs,
        sum(runs) AS runs,
        sum(run_seconds) AS run_seconds,
        sum(credits) AS credits
    FROM waste
    GROUP BY ALL
),

own AS (
    SELECT
        *,
        credits - {schema.booked_credits} AS of_runs,
        coalesce(credits_superseded, 0) AS of_superseded,
        greatest(dlc_credits - coalesce(dlc_credits_superseded, 0), 0) AS fee
    FROM daily_costs
),

used AS (
    SELECT
        date,
        cost_center,
        project_id,
        workflow,
        job,
        sum(jobs) AS jobs,
        sum(runs) AS runs,
        sum(run_seconds) AS run_seconds,
        sum(of_runs) AS credits,
        bool_and(of_superseded >= 0 AND of_runs - of_superseded >= fee) AS without_corrections
    FROM own
    GROUP BY ALL
)

SELECT count(*)
FROM wasted
LEFT JOIN used
    ON wasted.date = used.date
    AND wasted.cost_center = used.cost_center
    AND wasted.project_id = used.project_id
    AND wasted.workflow IS NOT DISTINCT FROM used.workflow
    AND wasted.job IS NOT DISTINCT FROM used.job
WHERE used.credits IS NULL
    OR wasted.jobs > used.jobs
    OR wasted.runs > used.runs
    OR wasted.run_seconds > used.run_seconds
    OR (used.without_corrections AND wasted.credits > used.credits);
