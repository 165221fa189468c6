-- The sums of one tag, and the part left under the default value.
SELECT
    count(*) AS rows,
    coalesce(sum(cost_usd), 0) AS cost_usd,
    coalesce(sum(credits), 0) AS credits,
    coalesce(sum(cost_usd) FILTER (WHERE value IN ($default, 'unallocated')), 0) AS unallocated_cost_usd,
    coalesce(sum(credits) FILTER (WHERE value IN ($default, 'unallocated')), 0) AS unallocated_credits
FROM allocated_costs
WHERE tag = $tag;
