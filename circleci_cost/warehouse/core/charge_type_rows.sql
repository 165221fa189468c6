-- Daily costs by charge type: one row for each charge type with credits, and always one for `compute`, which is the
-- one that carries the counts. `charge_number` is the place of the charge type in their list, from 0.
CREATE OR REPLACE TEMPORARY VIEW charge_type_rows AS
SELECT 0 AS charge_number, 'compute' AS charge_type, compute_credits AS charged, compute_cost_usd AS charged_usd, *
FROM numbered_daily_costs
UNION ALL
SELECT 1, 'dlc', dlc_credits, dlc_cost_usd, * FROM numbered_daily_costs WHERE dlc_credits <> 0
UNION ALL
SELECT 2, 'user', user_credits, user_cost_usd, * FROM numbered_daily_costs WHERE user_credits <> 0
UNION ALL
SELECT 3, 'storage', storage_credits, storage_cost_usd, * FROM numbered_daily_costs WHERE storage_credits <> 0
UNION ALL
SELECT 4, 'network', network_credits, network_cost_usd, * FROM numbered_daily_costs WHERE network_credits <> 0
UNION ALL
SELECT 5, 'lease', lease_credits, lease_cost_usd, * FROM numbered_daily_costs WHERE lease_credits <> 0
UNION ALL
SELECT 6, 'lease_overage', lease_overage_credits, lease_overage_cost_usd, * FROM numbered_daily_costs
WHERE lease_overage_credits <> 0
UNION ALL
SELECT 7, 'ipranges', ipranges_credits, ipranges_cost_usd, * FROM numbered_daily_costs WHERE ipranges_credits <> 0
UNION ALL
SELECT 8, 'other', other_credits, other_cost_usd, * FROM numbered_daily_costs WHERE other_credits <> 0;
