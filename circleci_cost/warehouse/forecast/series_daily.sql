-- What budgets without charge types or tags add up: daily costs, the seats' part of each told apart.
CREATE OR REPLACE TEMPORARY VIEW series_daily AS
SELECT
    * EXCLUDE (credits, cost_usd),
    '' AS tag,
    credits,
    user_credits AS seat_credits,
    cost_usd,
    user_cost_usd AS seat_cost_usd
FROM daily_costs;
