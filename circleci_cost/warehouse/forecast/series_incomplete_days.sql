-- The days up to $through that are missing, or were exported too early, for a cost center that had begun by then.
WITH days AS (
    SELECT
        cost_center,
        CAST(unnest(generate_series(min(date), $through, INTERVAL 1 DAY)) AS DATE) AS date
    FROM usage_days
    WHERE is_configured(cost_center)
    GROUP BY cost_center
)

SELECT DISTINCT days.date
FROM days
ANTI JOIN (SELECT * FROM usage_days WHERE complete) AS complete_days
    ON days.cost_center = complete_days.cost_center
    AND days.date = complete_days.date
ORDER BY days.date;
