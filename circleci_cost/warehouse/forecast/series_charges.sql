-- What budgets for some charge types add up: one row for each charge type of a daily cost that has credits.
CREATE OR REPLACE TEMPORARY VIEW series_charges AS
SELECT
    * EXCLUDE (charge) REPLACE (charge.credits AS credits, charge.cost_usd AS cost_usd),
    charge.charge_type AS charge_type,
    '' AS tag,
    CASE WHEN charge.charge_type = 'user' THEN charge.credits ELSE 0 END AS seat_credits,
    CASE WHEN charge.charge_type = 'user' THEN charge.cost_usd ELSE 0 END AS seat_cost_usd
FROM daily_charges
WHERE charge.credits <> 0;
