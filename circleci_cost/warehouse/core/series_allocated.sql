-- Allocated costs by charge type and value of each tag.
CREATE OR REPLACE TEMPORARY VIEW series_allocated AS
SELECT
    *,
    CASE WHEN charge_type = 'user' THEN credits ELSE 0 END AS seat_credits,
    CASE WHEN charge_type = 'user' THEN cost_usd ELSE 0 END AS seat_cost_usd
FROM shown_dimensions('allocated_costs');
