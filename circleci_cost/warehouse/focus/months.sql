-- The months of some days that hold published days, purchases or expired credits, each cut to the days asked for.
SELECT
    greatest(min(date_trunc('month', date))::DATE, $first) AS first,
    least(last_day(min(date)), $last) AS last
FROM (
    SELECT date FROM usage_days
    UNION ALL
    SELECT date FROM focus_lots
)
WHERE date BETWEEN $first AND $last
GROUP BY date_trunc('month', date)
ORDER BY first;
