-- The first day of the history and the last one that is complete for every cost center, as a generation names it.
SELECT
    min(first),
    min(through)
FROM (
    SELECT
        min(date) AS first,
        max(date) FILTER (WHERE complete) AS through
    FROM usage_days
    GROUP BY cost_center
);
