-- The months of some days that hold published days, with the first and the last of these days.
SELECT min(date), max(date)
FROM usage_days
WHERE date BETWEEN $first AND $last
GROUP BY date_trunc('month', date)
ORDER BY min(date);
