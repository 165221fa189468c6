-- Daily sums by the dimensions that some budgets compare, with the seats' part in columns of its own. {view} is one of
-- the views of `core.cost_rows`, {names} are our own columns.
CREATE OR REPLACE TEMPORARY TABLE series_groups AS
SELECT
    date,
    {names},
    sum(credits) AS credits,
    sum(seat_credits) AS seat_credits,
    coalesce(sum(cost_usd), 0) AS cost_usd,
    coalesce(sum(seat_cost_usd), 0) AS seat_cost_usd,
    {schema.unpriced_credits},
    coalesce(sum(seat_credits) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_seat_credits
FROM {view}
WHERE tag = $tag
GROUP BY ALL;
