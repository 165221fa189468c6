-- The days of some cost centers that CircleCI could still restate when they were exported.
SELECT
    cost_center,
    date
FROM usage_days
WHERE list_contains($cost_centers, cost_center)
    AND date BETWEEN $first AND $last
    AND settled = false
ORDER BY ALL;
