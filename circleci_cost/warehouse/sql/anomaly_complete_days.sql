-- The days that are complete: of one cost center, or of all that had begun by then where $cost_center is NULL.
WITH begins AS (
    SELECT cost_center, min(date) AS begin
    FROM usage_days
    GROUP BY cost_center
)

SELECT usage_days.date
FROM usage_days
WHERE $cost_center IS NULL OR cost_center = $cost_center
GROUP BY usage_days.date
HAVING bool_and(complete)
    AND (
        $cost_center IS NOT NULL
        OR count(*) = (SELECT count(*) FROM begins WHERE begins.begin <= usage_days.date)
    )
ORDER BY usage_days.date;
