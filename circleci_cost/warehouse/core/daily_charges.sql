-- Daily costs with `charge`, one row for each charge type: its name, credits and cost. Those without credits are here,
-- too; jobs and runs are those of the whole daily cost.
CREATE OR REPLACE TEMPORARY VIEW daily_charges AS
SELECT
    *,
    unnest([
        {'charge_type': 'compute', 'credits': compute_credits, 'cost_usd': compute_cost_usd},
        {'charge_type': 'dlc', 'credits': dlc_credits, 'cost_usd': dlc_cost_usd},
        {'charge_type': 'user', 'credits': user_credits, 'cost_usd': user_cost_usd},
        {'charge_type': 'storage', 'credits': storage_credits, 'cost_usd': storage_cost_usd},
        {'charge_type': 'network', 'credits': network_credits, 'cost_usd': network_cost_usd},
        {'charge_type': 'lease', 'credits': lease_credits, 'cost_usd': lease_cost_usd},
        {'charge_type': 'lease_overage', 'credits': lease_overage_credits, 'cost_usd': lease_overage_cost_usd},
        {'charge_type': 'ipranges', 'credits': ipranges_credits, 'cost_usd': ipranges_cost_usd},
        {'charge_type': 'other', 'credits': other_credits, 'cost_usd': other_cost_usd}
    ]) AS charge
FROM daily_costs;
