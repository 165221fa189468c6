-- How many of some days rest on an export made at some time or later.
SELECT count(*)
FROM usage_days
WHERE cost_center = $cost_center
    AND date BETWEEN $first AND $last
    AND exported_at >= $exported_at;
