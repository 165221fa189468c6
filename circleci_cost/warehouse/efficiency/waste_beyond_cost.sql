-- The days and jobs whose waste is more than their cost, of which there is none, and the sums of both.
WITH wasted AS (
    SELECT date, cost_center, project_id, workflow, job, sum(credits) AS credits
    FROM waste
    GROUP BY ALL
),

used AS (
    SELECT date, cost_center, project_id, workflow, job, sum(credits) AS credits
    FROM daily_costs
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
WHERE used.credits IS NULL OR wasted.credits > used.credits;
