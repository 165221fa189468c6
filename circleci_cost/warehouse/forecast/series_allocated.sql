-- What budgets for a virtual tag add up: allocated costs, the seats told apart by their charge type.
CREATE OR REPLACE TEMPORARY VIEW series_allocated AS
SELECT
    *,
    CASE WHEN charge_type = 'user' THEN credits ELSE 0 END AS seat_credits,
    CASE WHEN charge_type = 'user' THEN cost_usd ELSE 0 END AS seat_cost_usd
FROM allocated_costs;
