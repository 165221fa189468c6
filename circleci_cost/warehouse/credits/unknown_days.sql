-- The days up to the ledger's last one of which a cost center with credits has no data: usage is missing in its balance.
WITH begun AS (
    SELECT cost_center, min(date) AS first
    FROM usage_days
    GROUP BY cost_center
),

bought AS (
    SELECT cost_center, min(bought_on) AS first
    FROM credit_lots
    GROUP BY cost_center
),

days AS (
    SELECT
        outlook.cost_center,
        CAST(
            unnest(generate_series(greatest(begun.first, bought.first), outlook.data_through, INTERVAL 1 DAY)) AS DATE
        ) AS date
    FROM credit_outlook AS outlook
    JOIN begun ON outlook.cost_center = begun.cost_center
    JOIN bought ON outlook.cost_center = bought.cost_center
)

SELECT
    days.cost_center,
    list(days.date ORDER BY days.date) AS dates
FROM days
ANTI JOIN usage_days
    ON days.cost_center = usage_days.cost_center
    AND days.date = usage_days.date
GROUP BY days.cost_center
ORDER BY days.cost_center;
