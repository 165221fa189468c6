-- The first day of the history, the last one that is complete for every cost center with a complete day, and the
-- configured cost centers that have none yet.
WITH reach AS (
    SELECT
        cost_center,
        min(date) AS first,
        max(date) FILTER (WHERE complete) AS through
    FROM usage_days
    GROUP BY cost_center
)

SELECT
    min(first),
    coalesce(min(through) FILTER (WHERE is_configured(cost_center)), max(through)),
    list_sort(list_filter(
        configured_cost_centers(),
        lambda name: NOT coalesce(list_contains(list(cost_center) FILTER (WHERE through IS NOT NULL), name), false)
    ))
FROM reach;
