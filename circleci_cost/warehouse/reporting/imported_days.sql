-- How many of some days come from an export made at $exported_at or later.
SELECT count(*)
FROM usage_days
WHERE cost_center = $cost_center
    AND date BETWEEN $first AND $last
    AND exported_at >= $exported_at;
