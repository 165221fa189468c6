-- The days of some cost centers that no export covers; days without usage are covered.
WITH expected AS (
    SELECT
        unnest($cost_centers) AS cost_center,
        days.date
    FROM (SELECT CAST(unnest(generate_series($first, $last, INTERVAL 1 DAY)) AS DATE) AS date) AS days
)

SELECT
    expected.cost_center,
    expected.date
FROM expected
ANTI JOIN usage_days
    ON expected.cost_center = usage_days.cost_center
    AND expected.date = usage_days.date
ORDER BY ALL;
