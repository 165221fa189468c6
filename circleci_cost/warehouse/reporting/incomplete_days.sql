-- The days on which one of some cost centers has no complete data: no export, or one that was made too early.
SELECT DISTINCT expected.date
FROM (
    SELECT
        unnest($cost_centers) AS cost_center,
        days.date
    FROM (SELECT CAST(unnest(generate_series($first, $last, INTERVAL 1 DAY)) AS DATE) AS date) AS days
) AS expected
ANTI JOIN (FROM usage_days WHERE complete) AS complete
    ON expected.cost_center = complete.cost_center
    AND expected.date = complete.date
ORDER BY ALL;
