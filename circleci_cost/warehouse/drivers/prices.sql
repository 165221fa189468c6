-- The days within two periods from which a cost center has another price than the day before.
WITH changes AS (
    SELECT
        cost_center,
        date,
        price_per_credit AS price_after,
        lag(price_per_credit) OVER (PARTITION BY cost_center ORDER BY date) AS price_before
    FROM daily_rates
)

SELECT
    cost_center,
    date,
    price_before,
    price_after
FROM changes
WHERE price_after <> price_before
    AND date BETWEEN $first AND $last
    AND fits($cost_center, cost_center)
ORDER BY date, cost_center;
