-- How many of `engine_rows` do not add up, or have another price or other costs than their credits and the day's rate
-- say. A sum that does not fit has no cost on either side.
SELECT count(*)
FROM engine_rows
LEFT JOIN daily_rates AS rates
    ON rates.cost_center = $cost_center
    AND engine_rows.date = rates.date
WHERE engine_rows.credits IS DISTINCT FROM ({schema.credits_of_all_types})
    OR engine_rows.price_per_credit IS DISTINCT FROM rates.price_per_credit
    OR engine_rows.cost_usd IS DISTINCT FROM TRY_CAST(engine_rows.credits AS DECIMAL(19, 6)) * rates.price_per_credit
    OR ({schema.cost_of_all_types}) IS DISTINCT FROM ({schema.cost_of_all_credits});
