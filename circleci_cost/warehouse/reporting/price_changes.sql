-- The days on which the price of a cost center changed, and the first days without a price (NULL).
WITH timeline AS (
    SELECT
        *,
        lag(price_per_credit) OVER neighbours AS price_before,
        lag(effective_until) OVER neighbours AS until_before,
        lead(effective_from) OVER neighbours AS next_from
    FROM pricing_periods
    WINDOW neighbours AS (PARTITION BY cost_center ORDER BY effective_from)
),

changes AS (
    SELECT
        effective_from AS date,
        cost_center,
        price_per_credit
    FROM timeline
    WHERE price_before <> price_per_credit
        OR until_before + 1 < effective_from
    UNION ALL
    SELECT
        effective_until + 1 AS date,
        cost_center,
        NULL AS price_per_credit
    FROM timeline
    WHERE effective_until IS NOT NULL
        AND (next_from IS NULL OR next_from > effective_until + 1)
)

SELECT
    date,
    cost_center,
    price_per_credit
FROM changes
WHERE date BETWEEN $first AND $last
ORDER BY date, cost_center;
