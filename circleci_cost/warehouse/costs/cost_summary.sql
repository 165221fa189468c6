-- Exact sums of one cost center's daily costs over some days.
SELECT
    count(*) AS cost_rows,
    coalesce(sum(jobs), 0) AS jobs,
    coalesce(sum(runs), 0) AS runs,
    coalesce(sum(credits), 0) AS credits,
    {schema.unpriced_credits},
    coalesce(sum(cost_usd), 0) AS cost_usd,
    coalesce(sum(list_sum(list_value(*COLUMNS('_cost_usd$')))), 0) AS charge_types_cost_usd
FROM daily_costs
WHERE cost_center = $cost_center
    AND list_contains($days, date);
