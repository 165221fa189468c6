-- The complete days: of one cost center, or, where $cost_center is NULL, of all that had begun by then. A cost center
-- that is no longer configured is waited for only up to its last day.
WITH begins AS (
    SELECT
        cost_center,
        min(date) AS begin,
        CASE WHEN is_configured(cost_center) THEN DATE 'infinity' ELSE max(date) END AS until
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
        OR count(*) = (
            SELECT count(*) FROM begins WHERE usage_days.date BETWEEN begins.begin AND begins.until
        )
    )
ORDER BY usage_days.date;
