-- What a report by charge type groups: one row for each charge type with credits. Jobs have all charge types.
CREATE OR REPLACE TEMPORARY VIEW report_rows AS
WITH charges AS (
    SELECT
        *,
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
        ]) AS charge
    FROM shown_dimensions('daily_costs')
)

SELECT
    * EXCLUDE (charge) REPLACE (
        0 AS jobs,
        0 AS runs,
        charge.credits AS credits,
        charge.cost_usd AS cost_usd
    ),
    charge.charge_type AS charge_type,
    CAST([] AS VARCHAR[]) AS tags
FROM charges
WHERE charge.credits <> 0;
