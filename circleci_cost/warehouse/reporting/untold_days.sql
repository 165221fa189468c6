-- The days whose costs no longer tell the users and pipelines of their job runs; see `run_days_changed.sql`.
SELECT cost_center, date
FROM run_days_changed
WHERE date BETWEEN $first AND $last
    AND list_contains($cost_centers, cost_center)
ORDER BY ALL;
