-- What budgets for some charge types add up: one row for each charge type of a daily cost that has credits.
CREATE OR REPLACE TEMPORARY VIEW series_charges AS
WITH charges AS (
    SELECT
        * EXCLUDE (credits, cost_usd),
        unnest([
            {'charge_type': 'compute', 'credits': compute_credits, 'cost_usd': compute_cost_usd},
            {'charge_type': 'dlc', 'credits': dlc_credits, 'cost_usd': dlc_cost_usd},
            {'charge_type': 'user', 'credits': user_credits, 'cost_usd': user_cost_usd},
            {'charge_type': 'storage', 'credits': storage_credits, 'cost_usd': storage_cost_usd},
            {'charge_type': 'network', 'credits': network_credits, 'cost_usd': network_cost_usd},
            {'charge_type': 'lease', 'credits': lease_credits, 'cost_usd': lease_cost_usd},
            {
                'charge_type': 'lease_overage',
                'credits': lease_overage_credits,
                'cost_usd': lease_overage_cost_usd
            },
            {'charge_type': 'ipranges', 'credits': ipranges_credits, 'cost_usd': ipranges_cost_usd},
            {'charge_type': 'other', 'credits': other_credits, 'cost_usd': other_cost_usd}
        ], recursive := true)
    FROM daily_costs
)

SELECT
    *,
    '' AS tag,
    CASE WHEN charge_type = 'user' THEN credits ELSE 0 END AS seat_credits,
    CASE WHEN charge_type = 'user' THEN cost_usd ELSE 0 END AS seat_cost_usd
FROM charges
WHERE credits <> 0;
