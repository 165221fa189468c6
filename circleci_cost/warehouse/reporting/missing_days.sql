-- The days of some cost centers that no export has brought; days without usage are there.
WITH asked AS (
    SELECT
        unnest($cost_centers) AS cost_center,
        days.date
    FROM (SELECT CAST(unnest(generate_series($first, $last, INTERVAL 1 DAY)) AS DATE) AS date) AS days
)

SELECT
    asked.cost_center,
    asked.date
FROM asked
ANTI JOIN usage_days
    ON asked.cost_center = usage_days.cost_center
    AND asked.date = usage_days.date
ORDER BY ALL;
