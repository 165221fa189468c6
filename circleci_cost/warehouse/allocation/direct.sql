-- The sums of each value of the tag by day, before any split, and by the groups that a split may stay inside; `split`
-- is the one that moves them elsewhere.
CREATE OR REPLACE TEMPORARY TABLE allocation_direct AS
SELECT
    charges.date,
    charges.cost_center,
    coalesce(charges.organization, charges.organization_id) AS organization,
    decisions.value,
    decisions.split,
    sum(charges.credits) AS credits,
    coalesce(sum(charges.credits) FILTER (WHERE charges.price_per_credit IS NULL), 0) AS unpriced_credits,
    coalesce(sum(charges.cost_usd), 0) AS cost_usd,
    coalesce(sum(charges.runs) FILTER (WHERE charges.charge_number = 0), 0) AS runs,
    coalesce(sum(charges.run_seconds) FILTER (WHERE charges.charge_number = 0), 0) AS run_seconds
FROM charge_rows('numbered_daily_costs') AS charges
JOIN allocation_keys AS keys USING (daily_row)
JOIN allocation_decisions AS decisions
    ON keys.combination * $kinds + list_extract($kind_of, charges.charge_number + 1) = decisions.key
GROUP BY ALL;
