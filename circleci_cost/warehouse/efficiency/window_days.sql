-- The last days up to the newest complete one of each configured cost center.
SELECT
    days.cost_center,
    days.date
FROM usage_days AS days
JOIN (
    SELECT
        cost_center,
        max(date) AS through
    FROM usage_days
    WHERE complete
        AND is_configured(cost_center)
    GROUP BY cost_center
) AS reach
    ON days.cost_center = reach.cost_center
    AND days.date BETWEEN reach.through - $days + 1 AND reach.through
ORDER BY ALL;
