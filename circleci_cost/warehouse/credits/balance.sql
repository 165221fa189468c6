-- The credits of a cost center that were left at the end of each day; a day on which none was left has no lot.
WITH days AS (
    SELECT CAST(unnest(generate_series(min(date), max(date), INTERVAL 1 DAY)) AS DATE) AS date
    FROM credit_lots
    WHERE cost_center = $cost_center
),

left_over AS (
    SELECT
        date,
        sum(left_credits) AS balance
    FROM credit_lots
    WHERE cost_center = $cost_center
    GROUP BY date
)

SELECT
    days.date,
    CAST(coalesce(left_over.balance, 0) AS DECIMAL(38, 6)) AS balance
FROM days
LEFT JOIN left_over USING (date)
ORDER BY days.date;
